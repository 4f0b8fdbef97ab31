"""What Check makes of a program's inputs: names, namespaces, secrets."""

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.inputs import (
    LAST_APPLIED,
    Inputs,
    ObjectNaming,
    completed,
)
from rehearsal.plugins.kubernetes_provider.objects import (
    Kind,
    kind_of_type,
    name_of_id,
)
from rehearsal.plugins.kubernetes_provider.spelling import for_kubernetes, for_pulumi
from rehearsal.plugins.kubernetes_provider.state import field_manager
from rehearsal.plugins.kubernetes_provider.support import refuse_unsupported
from rehearsal.plugins.urns import type_of_urn
from rehearsal.plugins.values import UNKNOWN, Secret

AUTONAMED = {"pulumi.com/autonamed": "true"}


def metadata(news: Inputs, olds: Inputs | None = None, **naming: object) -> object:
    made = ObjectNaming(logical="worker", **naming)  # type: ignore[arg-type]  # any one of its fields
    return completed(news, olds or {}, made, "team")["metadata"]


def test_an_object_without_a_name_gets_one_and_keeps_it() -> None:
    first = completed({}, {}, ObjectNaming("worker", seed=b"one"), "team")
    again = completed({}, first, ObjectNaming("worker", seed=b"two"), "team")

    made = first["metadata"]
    assert isinstance(made, dict)
    assert made["name"].startswith("worker-")
    assert len(made["name"]) == len("worker-") + 8
    assert made["annotations"] == AUTONAMED
    assert again == first


def test_a_name_that_the_program_gave_and_took_away_is_not_kept() -> None:
    made = metadata({}, {"metadata": {"name": "given"}}, seed=b"one")

    assert isinstance(made, dict)
    assert made["name"] != "given"


def test_the_stacks_own_naming_rules_win() -> None:
    assert metadata({}, proposed="w-1") == {
        "name": "w-1",
        "namespace": "team",
        "annotations": AUTONAMED,
    }
    with pytest.raises(RehearsalError, match="autonaming is disabled"):
        metadata({}, is_disabled=True)


def test_a_stated_namespace_stays_and_read_only_fields_go() -> None:
    given = {"name": "a", "namespace": "mine", "uid": "1", "resourceVersion": "2"}

    assert metadata({"metadata": given}) == {"name": "a", "namespace": "mine"}


def test_metadata_that_are_unknown_or_secret_are_left_so() -> None:
    assert metadata({"metadata": UNKNOWN}) is UNKNOWN
    assert metadata({"metadata": Secret({"name": "a"})}) == Secret(
        {"name": "a", "namespace": "team"}
    )


def test_generate_name_is_refused_as_with_the_official_plugin() -> None:
    with pytest.raises(RehearsalError, match="generateName"):
        metadata({"metadata": {"generateName": "a-"}})


def test_the_data_of_a_secret_are_secret_in_every_place() -> None:
    noted = {LAST_APPLIED: '{"data": {"a": "aHVudGVyMg=="}}'}
    given: Inputs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a", "namespace": "b", "annotations": noted},
        "data": {"a": "aHVudGVyMg=="},
        "stringData": Secret({"b": "x"}),
    }

    done = completed(given, {}, ObjectNaming("a"), "")
    usual = completed(given | {"metadata": {"name": "a"}}, {}, ObjectNaming("a"), "")

    assert "aHVudGVyMg" not in repr(done)
    assert usual["data"] == done["data"]
    assert done["stringData"] == Secret({"b": "x"})
    assert done["data"] == Secret({"a": "aHVudGVyMg=="})


def test_a_definitions_schema_is_spelled_as_each_side_wants_it() -> None:
    pulumi = {"kind": "CustomResourceDefinition", "spec": [{"x_kubernetes_map_type": "atomic"}]}
    kubernetes = {"kind": "CustomResourceDefinition", "spec": [{"x-kubernetes-map-type": "atomic"}]}

    assert for_kubernetes(dict(pulumi)) == kubernetes
    assert for_pulumi(dict(kubernetes)) == pulumi
    other = {"kind": "ConfigMap", "data": {"x_kubernetes_map_type": "mine"}}
    assert for_kubernetes(dict(other)) == other


def test_the_field_manager_is_annotated_or_kept_or_made_of_the_urn() -> None:
    annotated = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "mine"}}}

    assert field_manager("urn:a", annotated, {"__fieldManager": "old"}) == "mine"
    assert field_manager("urn:a", {}, {"__fieldManager": "old"}) == "old"
    assert field_manager("urn:a", {}, {}) == field_manager("urn:a", {}, {})
    assert field_manager("urn:a", {}, {}) != field_manager("urn:b", {}, {})


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("kubernetes:core/v1:Secret", Kind("", "v1", "Secret")),
        ("kubernetes:apps/v1:Deployment", Kind("apps", "v1", "Deployment")),
        ("kubernetes:keda.sh/v1alpha1:ScaledObject", Kind("keda.sh", "v1alpha1", "ScaledObject")),
    ],
)
def test_a_pulumi_type_names_a_kind(token: str, kind: Kind) -> None:
    assert kind_of_type(token) == kind
    urn = f"urn:pulumi:test::trial::fleet:index:Fleet$fleet:index:Workers${token}::worker"
    assert type_of_urn(urn) == token


def test_an_id_is_a_name_with_or_without_a_namespace() -> None:
    kind = Kind("", "v1", "Secret")

    assert name_of_id(kind, "team/broker").namespace == "team"
    assert name_of_id(kind, "broker").id == "broker"


@pytest.mark.parametrize(
    ("token", "kind", "told"),
    [
        ("kubernetes:helm.sh/v3:Chart", "", "Helm charts"),
        ("kubernetes:core/v1:ConfigMapPatch", "ConfigMap", "Patch resources"),
        ("kubernetes:core/v1:ConfigMapList", "ConfigMapList", "List resources"),
    ],
)
def test_what_is_no_single_object_is_refused(token: str, kind: str, told: str) -> None:
    with pytest.raises(RehearsalError, match=told):
        refuse_unsupported(token, kind)
