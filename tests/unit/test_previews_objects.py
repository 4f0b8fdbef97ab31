"""How many objects a preview is, and that what it goes without leaves its walls as they were."""

from collections import Counter
from typing import Any

import pytest

from fleet.previews.cleaning import policies
from infra.manifests.quota import resource_quota
from infra.models.fleet import FleetConfig
from tests.unit.network_flows import Pod
from tests.unit.network_stage import DNS, METADATA, METRICS, PROMETHEUS, STRANGER, fleet_of
from tests.unit.preview_stage import NAME, preview, rendered, wish
from tests.unit.recorder import imagineer, render

BASES = pytest.mark.parametrize("stack", ["local", "staging"])
MOST_OBJECTS = 15
"""Of the cluster: each is waited for by every up and down."""
MOST_IN_STATE = {"local": 28, "staging": 36}
"""With providers, components, passwords, and what is read of the base; a real engine adds the stack
itself and the provider of what is read."""
SITE, BROKER = "93.184.216.34", "127.0.0.1"


def made(config: FleetConfig) -> list[str]:
    """Objects of the cluster; the base's connection secret is read, and nobody's to make."""
    found = rendered(config).resources
    return [f"{r.inputs['kind']}/{r.name}" for r in found if "metadata" in r.inputs]


@BASES
def test_a_preview_is_few_objects(stack: str) -> None:
    found = made(preview(stack))

    # KEDA's login is a Secret of its own where it has a user of its own.
    most = MOST_OBJECTS + (stack == "staging")
    assert len(found) <= most, found


def test_on_a_broker_that_the_base_makes_it_has_two_users_and_their_membership() -> None:
    found = rendered(preview("staging")).resources

    made = Counter(r.typ.split(":")[-1] for r in found if r.typ.startswith("aws:"))
    assert made == {"User": 2, "UserGroupAssociation": 2}


@BASES
def test_its_state_holds_few_resources_more_than_its_objects(stack: str) -> None:
    assert len(rendered(preview(stack)).resources) < MOST_IN_STATE[stack]


def test_what_a_user_and_its_safety_need_is_among_them() -> None:
    kinds = {each.split("/")[0] for each in made(preview("staging"))}

    assert kinds == {
        *("Namespace", "ConfigMap", "Secret", "Deployment", "ScaledObject"),
        *("TriggerAuthentication", "ResourceQuota", "LimitRange", "NetworkPolicy"),
        *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    }
    assert set(rendered(preview("staging")).of_kind("Deployment")) == {
        *("worker-preview", "beat", "janitor", "api"),
    }


@BASES
def test_down_knows_all_that_lies_outside_its_namespace(stack: str) -> None:
    found = [r.inputs for r in rendered(preview(stack)).resources if "metadata" in r.inputs]
    wide = [
        each
        for each in found
        if each["kind"] != "Namespace" and "namespace" not in each["metadata"]
    ]

    assert {each["kind"] for each in wide} == {
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    assert {each["metadata"]["name"] for each in wide} <= set(policies(NAME))


@pytest.fixture(scope="module")
def walled() -> Any:
    """A preview's pods and its one network policy."""
    config = preview("local")
    found = rendered(config).resources
    return fleet_of(config, [r.inputs for r in found if "metadata" in r.inputs])


def test_one_policy_denies_what_several_denied(walled: Any) -> None:
    (policy,) = walled.walls.policies
    every = [*walled.pods.values(), Pod(NAME, {"app": "anything"})]

    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for pod in every:
        for address in (*METADATA, "10.0.0.1", "192.168.1.1"):
            assert not walled.walls.lets_out(pod, address, 443)
        for other in (STRANGER, PROMETHEUS, *every, SITE):
            for port in (80, 8000, METRICS):
                assert not walled.walls.lets_in(pod, other, port)


def test_it_lets_every_pod_to_dns_and_the_broker_and_to_sites_that_a_queue_may_reach(
    walled: Any,
) -> None:
    closed = preview("local", queues=_without_internet())
    found = rendered(closed).resources
    indoors = fleet_of(closed, [r.inputs for r in found if "metadata" in r.inputs])

    for pod in walled.pods.values():
        assert walled.walls.lets_out(pod, DNS, 53, "UDP")
        assert walled.walls.lets_out(pod, BROKER, 6380)
        assert not walled.walls.lets_out(pod, BROKER, 6381)
        assert walled.walls.lets_out(pod, SITE, 443)
        assert not indoors.walls.lets_out(pod, SITE, 443)


def _without_internet() -> dict[str, Any]:
    stated = imagineer().model_dump(by_alias=True)["queues"]
    return {name: {**queue, "internetEgress": False} for name, queue in stated.items()}


def test_callers_of_the_base_reach_a_previews_api_by_a_service() -> None:
    config = preview("local", networkPolicy={"callers": [{"namespace": "shop"}]})
    found = rendered(config)
    walls = fleet_of(config, [r.inputs for r in found.resources if "metadata" in r.inputs])

    assert list(found.of_kind("Service")) == ["api"]
    assert resource_quota(config)["hard"]["services"] == "1"
    assert walls.walls.lets_in(walls.pods["api"], STRANGER, 8000)
    assert not walls.walls.lets_in(walls.pods["api"], STRANGER, METRICS)
    assert len(made(config)) == MOST_OBJECTS + 1


def test_without_callers_there_is_no_address_and_none_is_told() -> None:
    config = preview("local")

    assert not rendered(config).of_kind("Service")
    assert resource_quota(config)["hard"]["services"] == "0"


def test_files_of_one_worker_are_on_its_node_and_bounded() -> None:
    for deployment in rendered(preview("staging")).of_kind("Deployment").values():
        volumes = deployment["spec"]["template"]["spec"]["volumes"]
        assert {"name": "data", "emptyDir": {"sizeLimit": "2Gi"}} in volumes
    assert resource_quota(preview("staging"))["hard"]["persistentvolumeclaims"] == "0"


@pytest.mark.parametrize(
    "workers",
    [
        {"a": {"queues": ["default"]}, "b": {"queues": ["labeling"]}},
        {"a": {"queues": ["default"], "maxReplicaCount": 2}},
    ],
)
def test_several_pods_of_workers_share_a_claim(workers: dict[str, Any]) -> None:
    config = preview("local", profiles={"preview": {"workers": workers}})
    found = rendered(config)

    assert list(found.of_kind("PersistentVolumeClaim")) == ["data"]
    for deployment in found.of_kind("Deployment").values():
        claim = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        assert claim in deployment["spec"]["template"]["spec"]["volumes"]
    assert resource_quota(config)["hard"]["persistentvolumeclaims"] == "1"


def test_training_shares_one_too() -> None:
    assert rendered(preview("staging", wish(training=True))).of_kind("PersistentVolumeClaim")


def test_a_stack_that_is_no_guest_has_claim_service_and_several_policies() -> None:
    found = render(imagineer())

    assert found.of_kind("PersistentVolumeClaim")
    assert found.of_kind("Service")
    assert len(found.of_kind("NetworkPolicy")) > 1
