"""On refresh only fields of ours count, and only where they no longer mean the same."""

from typing import Any

import pytest

from rehearsal.plugins.kubernetes_provider.objects import Kind
from rehearsal.plugins.kubernetes_provider.projection import projected

DEPLOYMENT = Kind("apps", "v1", "Deployment")
SECRET = Kind("", "v1", "Secret")
WIDGET = Kind("example.org", "v1", "Widget")


def seen(inputs: Any, live: Any, kind: Kind = DEPLOYMENT) -> Any:
    return projected({"spec": inputs}, {"spec": live}, kind)["spec"]


def test_what_others_add_is_not_ours() -> None:
    inputs = {"template": {"image": "a"}}

    assert seen(inputs, {"replicas": 4, "template": {"image": "a", "policy": "x"}}) == inputs


def test_what_others_change_or_remove_is_drift() -> None:
    assert seen({"a": 1, "b": 2, "c": [1]}, {"a": 1, "b": 3}) == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"resources": {"cpu": "1000m"}}, {"resources": {"cpu": "1"}}),
        ({"resources": {"memory": "1024Mi"}}, {"resources": {"memory": "1Gi"}}),
        ({"resources": {"cpu": 1}}, {"resources": {"cpu": "1"}}),
        ({"env": [], "labels": {}, "hostNetwork": False}, {}),
    ],
)
def test_what_the_api_server_writes_otherwise_stays_as_the_program_wrote_it(
    mine: object, theirs: object
) -> None:
    assert seen(mine, theirs) == mine


def test_outside_of_quantities_a_string_means_what_it_says() -> None:
    assert seen({"env": {"value": "1000m"}}, {"env": {"value": "1"}}) == {"env": {"value": "1"}}


def test_a_custom_resource_says_what_it_means_by_an_empty_field() -> None:
    assert seen({"flag": False}, {}, WIDGET) == {}


def test_list_elements_are_matched_by_name_not_by_place() -> None:
    inputs = [{"name": "worker", "image": "a"}]
    live = [{"name": "injected", "image": "x"}, {"name": "worker", "image": "b", "more": 1}]

    assert seen({"containers": inputs}, {"containers": live}) == {
        "containers": [{"name": "worker", "image": "b"}]
    }


def test_an_element_added_to_a_list_without_names_is_drift() -> None:
    assert seen({"args": ["a"]}, {"args": ["a", "b"]}) == {"args": ["a", "b"]}


def test_finalizers_of_controllers_are_not_ours() -> None:
    inputs = {"metadata": {"finalizers": ["mine"]}}
    live = {"metadata": {"finalizers": ["finalizer.keda.sh", "mine"]}}

    assert projected(dict(inputs), dict(live), WIDGET) == inputs


def test_a_secret_is_compared_in_the_programs_own_spelling() -> None:
    inputs: dict[str, object] = {"stringData": {"token": "hunter2"}, "data": {"ca": "YQ==\n"}}

    assert projected(inputs, {"data": {"token": "aHVudGVyMg==", "ca": "YQ=="}}, SECRET) == inputs
    assert projected(inputs, {"data": {"token": "b3RoZXI="}}, SECRET) == {
        "stringData": {"token": "other"},
        "data": {},
    }
