"""Rules that hold for every valid stack, and every broken one refused in its own words."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra import config
from infra.config import ConfigError
from infra.manifests.deployment import api_deployment, beat_deployment, worker_deployment
from infra.manifests.scaled_object import scaled_object
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig
from tests.unit.generated import Stack, stacks
from tests.unit.generated_breaks import BREAKS
from worker_image.declared import FleetSettings

FILE = "Pulumi.made-up.yaml"
QUICK = [HealthCheck.too_slow, HealthCheck.data_too_large]
many = settings(max_examples=150, deadline=None, suppress_health_check=QUICK)


def rendered(fleet: FleetConfig) -> Iterator[tuple[Any, Any, dict[str, str]]]:
    """Deployment, ScaledObject and command-line options of each worker."""
    for name in fleet.workers:
        deployment = worker_deployment(fleet, name)
        command = deployment["template"]["spec"]["containers"][0]["command"]
        options = dict(part.split("=", 1) for part in command if "=" in part)
        yield deployment, scaled_object(fleet, name), options


def lists(queue: str, told: FleetSettings) -> list[str]:
    """Redis lists in which the image puts a queue's messages."""
    steps = told.priority_steps if told.queues[queue].priorities else (0,)
    return [queue if step == 0 else f"{queue}{told.separator}{step}" for step in steps]


@given(stacks())
@many
def test_every_valid_stack_renders_settings_that_agree(stack: Stack) -> None:
    fleet = config.validated(stack.raw, FILE)
    # The image's own reading of what it will be given.
    told = FleetSettings.model_validate_json(settings_document(fleet), strict=True)

    for name, (deployment, scaled, options) in zip(fleet.workers, rendered(fleet), strict=True):
        pod = deployment["template"]["spec"]
        consumed = options["--queues"].split(",")
        hard = max(told.queues[queue].time_limit_seconds for queue in consumed)
        eta = max(fleet.queues[queue].max_eta_s for queue in consumed)
        grace = pod["terminationGracePeriodSeconds"]
        assert consumed == list(told.workers[name].queues)
        assert int(options["--time-limit"]) == hard < grace
        assert int(options["--soft-time-limit"]) < hard
        assert told.delivery == stack.raw["broker"]["delivery"]
        shortest_s = 60 if told.delivery == "lease" else eta + hard + grace
        assert told.visibility_timeout_seconds > shortest_s

        expected = [key for queue in consumed for key in lists(queue, told)]
        expected.append(told.workers[name].in_flight_key)
        counted = [trigger["metadata"]["listName"] for trigger in scaled["triggers"]]
        assert counted == [f"{told.key_prefix}{key}" for key in expected]
        modifiers = scaled["advanced"]["scalingModifiers"]
        assert modifiers["target"] == options["--concurrency"]
        names = {trigger["name"]: 0 for trigger in scaled["triggers"]}
        assert eval(modifiers["formula"], {}, names) >= 0  # noqa: S307 - our own formula

        low, high = scaled["minReplicaCount"], scaled["maxReplicaCount"]
        assert 0 <= low <= high >= 1
        assert ("pollingInterval" in scaled) == (low == 0)
        assert "replicas" not in deployment
        assert scaled["scaleTargetRef"]["name"] == f"worker-{name}"
        assert len(f"keda-hpa-worker-{name}") <= 63


@given(stacks())
@settings(many, max_examples=100)
def test_every_pod_of_a_valid_stack_is_one_that_kubernetes_takes(stack: Stack) -> None:
    fleet = config.validated(stack.raw, FILE)
    workers = [worker_deployment(fleet, name) for name in fleet.workers]

    for deployment in (*workers, beat_deployment(fleet), api_deployment(fleet)):
        json.dumps(deployment)
        labels = deployment["template"]["metadata"]["labels"]
        assert deployment["selector"]["matchLabels"].items() <= labels.items()
        assert all(len(value) <= 63 for value in labels.values())
        (main,) = deployment["template"]["spec"]["containers"]
        variables = [entry["name"] for entry in main["env"]]
        assert len(set(variables)) == len(variables)
        mounted = {mount["name"] for mount in main["volumeMounts"]}
        assert mounted == {volume["name"] for volume in deployment["template"]["spec"]["volumes"]}


def refusal(raw: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as refused:
        config.validated(raw, FILE)
    return str(refused.value)


@given(stacks(), st.sampled_from(sorted(BREAKS)), st.integers(1, 1000))
@many
def test_every_broken_stack_is_refused_by_the_key_that_is_wrong(
    stack: Stack, way: str, number: int
) -> None:
    key = BREAKS[way](stack, number)

    told = refusal(stack.raw)

    assert key in told
    assert all(line.startswith(f"{FILE}: ") for line in told.splitlines())


@pytest.mark.parametrize("way", sorted(BREAKS))
def test_each_way_to_break_a_plain_stack_is_refused(way: str) -> None:
    plain = {
        "tier": "local",
        "namespace": "fleet",
        "image": "fleet/worker",
        "cluster": {"kind": "existing", "context": "c", "storageClass": "s"},
        "broker": {"kind": "existing", "connectionSecret": {"namespace": "a", "name": "b"}},
        "nodeGroups": {
            "cpu": {"cpu": 16, "memoryMiB": 32768},
            "gpu": {"cpu": 16, "memoryMiB": 32768, "gpu": 2, "taints": [{"key": "gpu"}]},
        },
        "queues": {
            "default": {
                "softTimeLimitSeconds": 1500,
                "timeLimitSeconds": 1800,
                "objective": {"typicalSeconds": 30.0},
            }
        },
        "workers": {
            "default": {
                "queues": ["default"],
                "nodeGroup": "cpu",
                "resources": {
                    "requests": {"cpu": "1", "memory": "1Gi"},
                    "limits": {"cpu": "1", "memory": "1Gi"},
                },
            }
        },
    }
    config.validated(deepcopy(plain), FILE)

    key = BREAKS[way](Stack(plain, "default", "default"), 7)

    assert key in refusal(plain)
