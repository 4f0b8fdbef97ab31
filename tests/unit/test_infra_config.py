"""A stack file is read whole, or refused with the key, the value and the reason."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime import set_all_config

from infra import config
from infra.config import ConfigError, load_file
from tests.unit.recorder import IMAGINEER, imagineer

PREFIX = "celery-fleet:"


def stack_file(tmp_path: Path, **changes: Any) -> Path:
    """Imagineer's file with the keys of `changes` replaced; None drops a key."""
    document = yaml.safe_load(IMAGINEER.read_text())
    for key, value in changes.items():
        document["config"][PREFIX + key] = value
    path = tmp_path / "Pulumi.broken.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_imagineers_stack_states_its_four_queues_as_the_seed_does() -> None:
    fleet = load_file(IMAGINEER)

    seen = {name: (w.concurrency, w.resources.gpu) for name, w in fleet.workers.items()}
    assert seen == {"default": (2, 0), "training": (1, 1), "scraping": (2, 0), "labeling": (4, 0)}
    limits = {(q.soft_time_limit_s, q.time_limit_s) for q in fleet.queues.values()}
    assert limits == {(25 * 60, 30 * 60)}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"queus": {}}, "queus is not a known key"),
        ({"workers": {"labeling": {"concurency": 4}}}, "workers.labeling.concurency is not a"),
        (
            {"workers": {"labeling": {"concurrency": "four"}}},
            "workers.labeling.concurrency is 'fo",
        ),
        ({"workers": {"labeling": {"concurrency": 0}}}, "workers.labeling.concurrency is 0"),
        (
            {"workers": {"labeling": {"queues": ["default"]}}},
            "queues.labeling: no worker serves",
        ),
        ({"workers": {"gone": {"queues": ["nope"]}}}, "workers.gone.queues names 'nope'"),
        ({"workers": {"default": {"nodeGroup": "tpu"}}}, "workers.default.nodeGroup is 'tpu'"),
        ({"workers": {"default": {"resources": {"gpu": 2}}}}, "workers.default.resources.gpu is 2"),
        (
            {"workers": {"default": {"minReplicaCount": 5, "maxReplicaCount": 4}}},
            "workers.default: minReplicaCount 5 is above maxReplicaCount 4",
        ),
        (
            {"workers": {"default": {"minReplicaCount": 1, "pollingInterval": 5}}},
            "workers.default.pollingInterval is 5, without effect at minReplicaCount 1",
        ),
        (
            {"workers": {"default": {"terminationGracePeriodSeconds": 1800}}},
            "workers.default.terminationGracePeriodSeconds is 1800, not above the hard limit 1800",
        ),
        (
            {"workers": {"default": {"resources": {"requests": {"cpu": "64", "memory": "1Gi"}}}}},
            "workers.default.resources.requests.cpu is 64, but a node of group 'cpu' has 32",
        ),
        (
            {"workers": {"default": {"nodeGroup": "gpu"}}},
            "workers.default.nodeGroup is 'gpu', whose nodes have GPUs, but it asks for none",
        ),
        (
            {"workers": {"one": {"queues": ["labeling"]}, "two": {"queues": ["labeling"]}}},
            "queues.labeling is served by one and two: each would scale on the same list",
        ),
        (
            {"nodeGroups": {"cpu": {"cpu": 32, "memoryMiB": 65536, "spot": True}}, "workers": {}},
            "workers.default: grace 1860 s is not below the 120 s that nodes of group 'cpu' wait",
        ),
        (
            {"queues": {"default": {"softTimeLimitSeconds": 900, "timeLimitSeconds": 600}}},
            "queues.default: softTimeLimitSeconds 900 is not below timeLimitSeconds 600",
        ),
        (
            {"queues": {"default": {"objective": {"typicalSeconds": 2000}}}},
            "queues.default: objective.typicalSeconds 2000 is not below softTimeLimitSeconds 1500",
        ),
        (
            {
                "queues": {"default": {"maxConcurrency": 3}},
                "workers": {"default": {"concurrency": 4}},
            },
            "workers.default: 1 replicas of concurrency 4 run 4 tasks at once, above queues",
        ),
        ({"profile": "tiny"}, "profile is 'tiny', which is not one of full"),
        ({"prices": {"t3.large": 0.1}}, "nodeGroups.cpu.instanceType is 'm7g.8xlarge'"),
        ({"queues": {"a:b": {}}}, "queues.a:b"),
        ({"beat": {"maintenanceQueue": "nightly"}}, "beat.maintenanceQueue is 'nightly'"),
        ({"beat": {"purgeTrainingHour": 24}}, "beat.purgeTrainingHour is 24"),
        ({"tier": "production"}, "tier is 'production'"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_file_and_key(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_file(stack_file(tmp_path, **changes))

    assert f"Pulumi.broken.yaml: {told}" in str(refused.value)


def test_a_visibility_timeout_below_the_longest_hold_is_refused(tmp_path: Path) -> None:
    broker = {
        "kind": "existing",
        "connectionSecret": {"namespace": "a", "name": "b"},
        "delivery": "stock",
        "visibilityTimeoutSeconds": 3600,
    }

    with pytest.raises(ConfigError) as refused:
        load_file(stack_file(tmp_path, broker=broker))

    lines = str(refused.value).splitlines()
    assert len(lines) == 4
    assert "broker.visibilityTimeoutSeconds is 3600, not above the 3660 s that worker" in lines[0]


def test_a_lease_shorter_than_a_failover_is_refused(tmp_path: Path) -> None:
    broker = {
        "kind": "existing",
        "connectionSecret": {"namespace": "a", "name": "b"},
        "visibilityTimeoutSeconds": 59,
    }

    with pytest.raises(ConfigError, match="visibilityTimeoutSeconds is 59, below 60: while"):
        load_file(stack_file(tmp_path, broker=broker))

    broker["visibilityTimeoutSeconds"] = 60
    assert load_file(stack_file(tmp_path, broker=broker)).broker.delivery == "lease"


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = stack_file(
        tmp_path, tier="production", queus={}, workers={"labeling": {"concurrency": 0}}
    )

    with pytest.raises(ConfigError) as refused:
        load_file(path)

    assert len(str(refused.value).splitlines()) == 3


def test_broken_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.broken.yaml"
    path.write_text("config:\n  celery-fleet:tier: [local\n")

    with pytest.raises(ConfigError, match=r"Pulumi.broken.yaml: cannot be read: (.|\n)*line 3"):
        load_file(path)


def test_a_queue_that_no_worker_names_gets_a_worker_of_its_own_name() -> None:
    fleet = imagineer(queues={"default": {}, "high_priority": {}}, workers={})

    assert {n: w.queues for n, w in fleet.workers.items()} == {
        "default": ("default",),
        "high-priority": ("high_priority",),
    }


def test_a_replica_minimum_of_zero_stays_zero() -> None:
    fleet = imagineer(queues={"default": {}}, workers={"default": {"minReplicaCount": 0}})

    assert fleet.workers["default"].min_replicas == 0


def engine_config(**keys: str) -> None:
    set_all_config({PREFIX + key: value for key, value in keys.items()}, [])


def test_the_engines_configuration_and_the_file_give_the_same_fleet() -> None:
    document = yaml.safe_load(IMAGINEER.read_text())["config"]
    values = {key.removeprefix(PREFIX): value for key, value in document.items()}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
    engine_config(apiToken="t", **texts)

    assert config.load("local") == load_file(IMAGINEER)


def test_a_missing_api_token_is_refused_with_the_command_that_sets_it() -> None:
    engine_config(tier="local")

    with pytest.raises(ConfigError, match="pulumi config set --secret apiToken"):
        config.load("local")
