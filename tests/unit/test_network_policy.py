"""Which connections the stacks' network policies let pass, and that they let pass no others."""

from collections.abc import Mapping

import pytest

from tests.unit import aws_stage
from tests.unit.network_flows import Pod, faults
from tests.unit.network_stage import (
    DNS,
    KIND,
    METADATA,
    METRICS,
    PROMETHEUS,
    STRANGER,
    committed,
)
from tests.unit.recorder import ROOT

SITES = ("93.184.216.34", "1.1.1.1", "223.255.255.254", "172.32.0.1", "100.128.0.1", "11.0.0.1")
NOT_THE_INTERNET = (
    *METADATA,
    "169.254.170.23",
    "10.20.0.10",
    "10.99.0.1",
    "172.16.0.1",
    "172.20.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "127.0.0.1",
    "198.19.0.1",
    "224.0.0.1",
    "fc00::1",
    "fe80::1",
    "2606:2800:220:1::1",
    "64:ff9b::a9fe:a9fe",
    "::ffff:169.254.169.254",
)

# By stack: where the broker answers, and which workers are let out.
STACKS: Mapping[str, tuple[str, int, set[str]]] = {
    "prod": ("10.20.70.9", 6379, {"scraping"}),
    "staging": ("10.21.5.9", 6379, {"scraping"}),
    "imagineer": ("127.0.0.1", 6380, {"scraping"}),
    "mistudio": ("127.0.0.1", 6380, {"datasets"}),
    "baseten": ("127.0.0.1", 6380, {"build"}),
    "fair_queueing": ("127.0.0.1", 6380, set()),
}
every_stack = pytest.mark.parametrize("name", STACKS)


def test_every_stack_file_is_judged_here() -> None:
    files = {path.stem for path in (ROOT / "stacks").glob("*.yaml")}
    files |= {name for name in ("prod", "staging") if (ROOT / f"Pulumi.{name}.yaml").exists()}

    assert files == set(STACKS)


@every_stack
def test_every_pod_reaches_dns_and_the_broker_on_its_port_alone(name: str) -> None:
    fleet, (broker, port, _) = committed(name), STACKS[name]

    assert {"beat", "janitor", "api"} < set(fleet.pods)
    for pod in fleet.pods.values():
        assert fleet.walls.lets_out(pod, broker, port)
        assert fleet.walls.lets_out(pod, DNS, 53, "UDP")
        assert fleet.walls.lets_out(pod, DNS, 53)
        assert not fleet.walls.lets_out(pod, DNS, 9153)
        for other in (22, 443, port + 1, 10250):
            assert not fleet.walls.lets_out(pod, broker, other)


@every_stack
def test_the_internet_is_open_to_workers_that_state_it_and_to_no_other_pod(name: str) -> None:
    fleet, (_, _, let_out) = committed(name), STACKS[name]

    for site in SITES:
        reaching = {pod for pod in fleet.pods if fleet.walls.lets_out(fleet.pods[pod], site, 443)}
        assert reaching == {f"worker-{worker}" for worker in let_out}
    for pod in fleet.pods.values():
        assert not fleet.walls.lets_out(pod, SITES[0], 53, "UDP")


@every_stack
@pytest.mark.parametrize("address", NOT_THE_INTERNET)
def test_no_pod_reaches_metadata_a_private_range_or_the_cluster(name: str, address: str) -> None:
    fleet = committed(name)

    for pod in fleet.pods.values():
        for port in (80, 443, 6443, 10250):
            assert not fleet.walls.lets_out(pod, address, port)


@every_stack
def test_pods_reach_neither_one_another_nor_pods_elsewhere(name: str) -> None:
    fleet = committed(name)
    others = [*fleet.pods.values(), STRANGER, PROMETHEUS, Pod("keda"), Pod("kube-system")]

    for pod in fleet.pods.values():
        for other in others:
            for port in (53, 80, 6379, 8000, METRICS):
                assert not fleet.walls.lets_out(pod, other, port)


@every_stack
def test_prometheus_alone_reaches_pods_and_only_their_metrics(name: str) -> None:
    fleet = committed(name)
    scraped = {n for n, pod in fleet.pods.items() if fleet.walls.lets_in(pod, PROMETHEUS, METRICS)}

    assert scraped == set(fleet.pods) - {"api"}
    for pod in fleet.pods.values():
        assert not fleet.walls.lets_in(pod, PROMETHEUS, 8000)
        others: tuple[Pod | str, ...] = (
            STRANGER,
            *fleet.pods.values(),
            "10.20.0.10",
            "93.184.216.34",
        )
        for other in others:
            for port in (80, 8000, METRICS):
                assert not fleet.walls.lets_in(pod, other, port)


@every_stack
def test_a_pod_of_no_workload_reaches_nothing_and_is_reached_by_nobody(name: str) -> None:
    fleet, (broker, port, _) = committed(name), STACKS[name]
    strayed = Pod(fleet.namespace, {"app": "debug"})

    for other, at in ((broker, port), (SITES[0], 443), (METADATA[0], 80), (DNS, 53)):
        assert not fleet.walls.lets_out(strayed, other, at)
        assert not fleet.walls.lets_in(strayed, other, at)


@every_stack
def test_other_namespaces_are_left_alone(name: str) -> None:
    fleet, (broker, port, _) = committed(name), STACKS[name]

    for pod in (Pod("keda", fleet.pods["beat"].labels), PROMETHEUS):
        assert fleet.walls.lets_out(pod, broker, port)
        assert fleet.walls.lets_in(pod, STRANGER, 443)


@every_stack
def test_the_policies_are_few_whatever_the_number_of_workers_and_valid(name: str) -> None:
    policies = committed(name).walls.policies

    assert 3 <= len(policies) <= 6
    assert not [fault for policy in policies for fault in faults(policy)]
    assert {policy["metadata"]["namespace"] for policy in policies} == {committed(name).namespace}


def test_no_flow_is_open_before_the_walls_stand_and_the_walls_never_cut_a_flow_off() -> None:
    found = aws_stage.stack("prod")
    policies = found.of(KIND)
    denying = policies["deny-all"]

    allowing = {each.urn for name, each in policies.items() if name != "deny-all"}
    # Made after those that allow, and so gone before them.
    assert allowing <= found.before(denying.urn)
    for deployment in ("worker-scraping", "beat", "janitor", "api"):
        assert denying.urn in found.before(found.of("Deployment")[deployment].urn)
