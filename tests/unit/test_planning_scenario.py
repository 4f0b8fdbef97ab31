"""What the simulator is told of a worker is what the stack renders for it; what a pod costs."""

from typing import Any

import pytest

from fleet.planning.scenario import Scenario, scenario
from fleet.simulation import QueueMetric
from infra.config import load_file
from infra.manifests.deployment import worker_deployment
from infra.manifests.scaled_object import scaled_object
from infra.models.cluster import NodeGroupSpec
from infra.models.worker import Resources
from infra.sizing import visibility_timeout_s
from infra.sizing.price import DAYS_PER_MONTH, HOURS_PER_MONTH, pod_usd_per_hour
from tests.unit.recorder import ROOT, imagineer

BASETEN = load_file(ROOT / "stacks" / "baseten.yaml")
IMAGINEER = imagineer()
CASES = [(BASETEN, name) for name in BASETEN.workers] + [
    (IMAGINEER, name) for name in IMAGINEER.workers
]
IDS = [name for _, name in CASES]


def metric(seen: Scenario) -> QueueMetric:
    assert isinstance(seen.policy.metric, QueueMetric)
    return seen.policy.metric


def group(**changes: Any) -> NodeGroupSpec:
    offered = {"cpu": 4, "memoryMiB": 8192, "instanceType": "m", **changes}
    return NodeGroupSpec.model_validate(offered)


def asks(cpu: str, memory: str, gpu: int = 0) -> Resources:
    requests = {"cpu": cpu, "memory": memory}
    return Resources.model_validate({"requests": requests, "limits": requests, "gpu": gpu})


@pytest.mark.parametrize(
    ("resources", "offered", "share"),
    [
        (asks("1", "1Gi"), group(), 1 / 4),
        (asks("250m", "4Gi"), group(), 1 / 2),
        (asks("1500m", "512Mi"), group(), 3 / 8),
        (asks("1", "1Gi", gpu=1), group(gpu=1), 1.0),
        (asks("1", "1Gi", gpu=1), group(gpu=4), 1 / 4),
        (asks("2", "1Gi", gpu=1), group(gpu=4), 1 / 2),
    ],
)
def test_a_pod_pays_for_the_scarcest_thing_it_asks_for(
    resources: Resources, offered: NodeGroupSpec, share: float
) -> None:
    assert pod_usd_per_hour(resources, offered, {"m": 2.0}) == pytest.approx(2.0 * share)


@pytest.mark.parametrize("offered", [group(instanceType=None), group(instanceType="other")])
def test_without_a_price_no_cost_is_made_up(offered: NodeGroupSpec) -> None:
    assert pod_usd_per_hour(asks("1", "1Gi"), offered, {"m": 2.0}) is None


def test_a_month_has_as_many_days_as_hours() -> None:
    assert DAYS_PER_MONTH * 24 == HOURS_PER_MONTH


@pytest.mark.parametrize(("fleet", "name"), CASES, ids=IDS)
def test_bounds_and_periods_are_those_of_the_scaled_object(fleet: Any, name: str) -> None:
    rendered, policy = scaled_object(fleet, name), scenario(fleet, name).policy

    assert policy.min_replicas == rendered["minReplicaCount"]
    assert policy.max_replicas == rendered["maxReplicaCount"]
    assert policy.polling_interval_s == rendered.get("pollingInterval", 30)
    assert policy.cooldown_s == rendered["cooldownPeriod"]
    assert policy.hpa_period_s == fleet.cluster.hpa_sync_period_s
    behavior = rendered["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert policy.behavior is not None
    for seen, side in ((policy.behavior.up, "scaleUp"), (policy.behavior.down, "scaleDown")):
        assert seen.window_s == behavior[side]["stabilizationWindowSeconds"]
        stated = [(p["type"], p["value"], p["periodSeconds"]) for p in behavior[side]["policies"]]
        assert [(rate.kind, rate.value, rate.period_s) for rate in seen.rates] == stated


@pytest.mark.parametrize(("fleet", "name"), CASES, ids=IDS)
def test_the_metric_gives_what_the_rendered_formula_gives(fleet: Any, name: str) -> None:
    modifiers = scaled_object(fleet, name)["advanced"]["scalingModifiers"]
    triggers = [trigger["name"] for trigger in scaled_object(fleet, name)["triggers"]]
    counted = dict.fromkeys(triggers, 0) | {triggers[0]: 40, "in_flight": 7}

    value = eval(modifiers["formula"], {}, counted)  # noqa: S307 - our own formula

    seen = metric(scenario(fleet, name))
    assert seen.value(pending=40, in_flight=7) == pytest.approx(value, rel=0.01)
    assert seen.per_replica == float(modifiers["target"])


@pytest.mark.parametrize(("fleet", "name"), CASES, ids=IDS)
def test_messages_are_held_as_the_deployment_holds_them(fleet: Any, name: str) -> None:
    pod = worker_deployment(fleet, name)["template"]["spec"]
    delivery = scenario(fleet, name).policy.delivery

    assert delivery.grace_s == pod["terminationGracePeriodSeconds"]
    assert f"--concurrency={delivery.concurrency}" in pod["containers"][0]["command"]
    words = pod["containers"][0]["command"]
    assert f"--prefetch-multiplier={delivery.prefetch_multiplier}" in words
    assert delivery.disable_prefetch == ("--disable-prefetch" in words)
    assert delivery.late_ack
    expected = visibility_timeout_s(fleet.broker, fleet.workers.values(), fleet.queues)
    assert delivery.visibility_timeout_s == expected
    assert delivery.leased == (fleet.broker.delivery == "lease")


def test_the_weights_and_the_spare_of_the_plan_reach_the_policy() -> None:
    short, long = (metric(scenario(BASETEN, name)) for name in ("celery", "build"))

    assert (short.pending_weight, short.spare, short.in_flight_weight) == (0.06, 0, 1.0)
    assert (long.pending_weight, long.spare, long.in_flight_weight) == (1.0, 10, 1.0)
    assert short.slots_serve_on
    assert long.slots_serve_on


def test_no_task_takes_longer_than_its_hard_limit() -> None:
    seen = scenario(IMAGINEER, "labeling")

    limit_s = IMAGINEER.queues["labeling"].time_limit_s
    assert seen.normal.limit_s == seen.burst.limit_s == limit_s


def test_the_declared_burst_and_rate_are_the_load() -> None:
    seen = scenario(IMAGINEER, "labeling")

    assert seen.normal.rate_per_s == seen.burst.rate_per_s == pytest.approx(36 / 3600)
    assert seen.normal.bursts == ()
    (burst,) = seen.burst.bursts
    assert (burst.tasks, burst.within_s, seen.burst.task_s) == (500, 5, 3)


def test_a_group_without_headroom_has_its_nodes_launched() -> None:
    groups = IMAGINEER.model_dump(by_alias=True)["nodeGroups"]
    groups["cpu"] |= {"headroom": False, "launchSeconds": 90, "imagePullSeconds": 40}
    cold = scenario(imagineer(nodeGroups=groups), "labeling")

    assert cold.infrastructure.cold_start_s == 90 + 40 + 10
    assert scenario(IMAGINEER, "labeling").infrastructure.cold_start_s == 10
