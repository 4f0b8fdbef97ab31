"""What each profile's workers are called and run, and what may be taken from them at once."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra import config
from infra.manifests.deployment import SETTINGS_CHECKSUM, worker_deployment
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig
from infra.models.queue import QueueSpec
from infra.models.queue_class import merged
from infra.models.references import queue_taking
from tests.unit.recorder import Recorder, imagineer, render
from tests.unit.test_worker_contract import FLEETS
from worker_image.declared import QueueSettings
from worker_image.routing import Router

ALL = "high_priority,datasets,processing,training,extraction,low_priority"


def command(deployment: dict[str, Any]) -> list[str]:
    words: list[str] = deployment["template"]["spec"]["containers"][0]["command"]
    return words


def option(fleet: FleetConfig, worker: str, name: str) -> str | None:
    words = command(worker_deployment(fleet, worker))
    return next((w.partition("=")[2] for w in words if w.startswith(f"--{name}=")), None)


def imagineer_with(queue: dict[str, Any], worker: dict[str, Any]) -> FleetConfig:
    """Imagineer's stack, with its scraping's queue and worker changed."""
    raw = imagineer().model_dump(by_alias=True)
    raw["queues"]["scraping"] = merged(raw["queues"]["scraping"], queue)
    raw["workers"]["scraping"] |= worker
    return FleetConfig.model_validate(raw)


@pytest.mark.parametrize(
    ("fleet", "worker", "node", "queues", "concurrency"),
    [
        ("imagineer", "training", "worker-training", "training", "1"),
        ("imagineer-preview", "preview", "preview", "default,scraping,labeling", "2"),
        ("mistudio", "high-priority", "worker-high-priority", "high_priority", "8"),
        ("mistudio-minimal", "all-queues", "all-queues", ALL, "8"),
        ("mistudio-datasets", "datasets", "worker-datasets", "datasets,low_priority", "4"),
        ("mistudio-datasets", "processing", "worker-processing", "processing", "4"),
        ("baseten", "deploy-build", "worker-deploy-build", "deploy-build", "1"),
    ],
)
def test_each_profile_starts_the_nodes_that_its_operators_expect(
    fleet: str, worker: str, node: str, queues: str, concurrency: str
) -> None:
    seen = [option(FLEETS[fleet], worker, key) for key in ("hostname", "queues", "concurrency")]

    assert seen == [f"{node}@$(POD_NAME)", queues, concurrency]


@pytest.mark.parametrize(
    ("fleet", "workers"),
    [
        ("imagineer-preview", {"preview"}),
        ("mistudio-minimal", {"all-queues"}),
        ("mistudio-datasets", {"datasets", "processing"}),
    ],
)
def test_a_profile_has_its_own_workers_and_no_others(fleet: str, workers: set[str]) -> None:
    chosen = FLEETS[fleet]

    assert set(chosen.workers) == workers
    assert set(chosen.queues) == {q for worker in chosen.workers.values() for q in worker.queues}


def test_only_prefork_is_told_when_to_replace_its_processes() -> None:
    forked = imagineer(workers={"scraping": {"maxMemoryPerChildKiB": 500_000}})
    threaded = imagineer(workers={"scraping": {"pool": "threads", "tasksKeepLimits": True}})

    flags = ("max-tasks-per-child", "max-memory-per-child")
    assert [option(forked, "scraping", flag) for flag in flags] == ["100", "500000"]
    assert [option(threaded, "scraping", flag) for flag in flags] == [None, None]


@pytest.mark.parametrize(
    ("typical_s", "tasks"),
    [(0.001, "100000"), (0.01, "60000"), (0.5, "1200"), (6, "100"), (900, "100")],
)
def test_a_process_works_ten_minutes_before_it_is_replaced(typical_s: float, tasks: str) -> None:
    queue = {"objective": {"typicalSeconds": typical_s}}

    assert option(imagineer_with(queue, {}), "scraping", "max-tasks-per-child") == tasks


def test_a_stated_number_of_tasks_replaces_a_process() -> None:
    queue = {"objective": {"typicalSeconds": 0.01}}

    fleet = imagineer_with(queue, {"maxTasksPerChild": 7})

    assert option(fleet, "scraping", "max-tasks-per-child") == "7"


def test_a_shared_worker_replaces_processes_by_the_mix_of_its_tasks() -> None:
    raw = imagineer().model_dump(by_alias=True)
    often, seldom = ({"perHour": rate, "burst": {"tasks": rate}} for rate in (300, 100))
    raw["queues"]["scraping"]["objective"] |= {"typicalSeconds": 1, **often}
    raw["queues"]["labeling"]["objective"] |= {"typicalSeconds": 5, **seldom}
    raw["workers"]["scraping"]["queues"] = ["scraping", "labeling"]
    del raw["workers"]["labeling"]

    fleet = FleetConfig.model_validate(raw)

    # 600 s of tasks of 2 s on average.
    assert option(fleet, "scraping", "max-tasks-per-child") == "300"


def test_short_tasks_may_be_held_by_their_pod_before_they_run() -> None:
    raw = imagineer().model_dump(by_alias=True)
    raw["queues"]["scraping"]["objective"]["typicalSeconds"] = 0.02
    raw["workers"]["scraping"]["prefetchMultiplier"] = 16
    fleet = FleetConfig.model_validate(raw)
    words = {name: command(worker_deployment(fleet, name)) for name in ("scraping", "labeling")}

    assert option(fleet, "scraping", "prefetch-multiplier") == "16"
    assert "--disable-prefetch" not in words["scraping"]
    assert option(fleet, "labeling", "prefetch-multiplier") == "1"
    assert "--disable-prefetch" in words["labeling"]
    told = json.loads(settings_document(fleet))["workers"]
    assert told["scraping"]["prefetchMultiplier"] == 16


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        ({}, r"queues\.scraping\.objective\.typicalSeconds is \d+, above 0\.05: held messages"),
        (
            {"fair": True, "priorities": False, "objective": {"typicalSeconds": 0.02}},
            r"queues\.scraping is fair: messages held in a pod have no turns",
        ),
    ],
)
def test_messages_are_not_held_where_that_would_delay_them(
    queue: dict[str, Any], reason: str
) -> None:
    with pytest.raises(
        ValueError, match=r"workers\.scraping\.prefetchMultiplier is 4, but " + reason
    ):
        imagineer(queues={"scraping": queue}, workers={"scraping": {"prefetchMultiplier": 4}})


def test_a_solo_worker_is_not_taken_for_dead_while_its_task_runs() -> None:
    solo = {"pool": "solo", "tasksKeepLimits": True}
    fleet = imagineer(workers={"scraping": solo})

    container = worker_deployment(fleet, "scraping")["template"]["spec"]["containers"][0]

    # The hard limit, 1800 s, and the age at which any other worker counts as dead.
    for probe in ("livenessProbe", "readinessProbe"):
        assert "-newermt '-1860 seconds'" in container[probe]["exec"]["command"][-1]


def test_each_worker_may_lose_one_pod_at_a_time_and_holds_no_node(fleet: Recorder) -> None:
    budgets, scaled = fleet.of_kind("PodDisruptionBudget"), fleet.of_kind("ScaledObject")

    several = {n for n, each in scaled.items() if each["spec"]["maxReplicaCount"] > 1}
    assert set(budgets) == several < set(scaled)
    for name, budget in budgets.items():
        deployment = fleet.of_kind("Deployment")[name]["spec"]
        assert budget["spec"] == {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": deployment["selector"],
        }


def test_what_counts_as_a_backlog_is_told_to_the_api_and_rolls_no_worker() -> None:
    before = render(imagineer())
    queues = imagineer().model_dump(by_alias=True)["queues"]
    queues["scraping"]["alert"] = {"pending": 7, "forMinutes": 3}
    after = render(imagineer(queues=queues))

    def mark(fleet: Recorder, name: str) -> str:
        template = fleet.of_kind("Deployment")[name]["spec"]["template"]
        return str(template["metadata"]["annotations"][SETTINGS_CHECKSUM])

    told = json.loads(after.of_kind("ConfigMap")["celery-settings"]["data"]["settings.json"])
    assert told["queues"]["scraping"]["alert"] == {"pending": 7, "forMinutes": 3}
    changed = {n for n in before.of_kind("Deployment") if mark(before, n) != mark(after, n)}
    assert changed == {"api"}


WORDS = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=3).map(".".join)
ROUTES = st.lists(WORDS | WORDS.map(lambda word: f"{word}*"), max_size=3)


@given(st.tuples(ROUTES, ROUTES), WORDS)
@settings(deadline=None)
def test_a_tasks_queue_is_the_one_that_the_image_chooses(
    routes: tuple[list[str], list[str]], task: str
) -> None:
    one, two = routes[0], [route for route in routes[1] if route not in routes[0]]
    specs = {"one": QueueSpec.model_validate({"routes": one})}
    specs |= {"two": QueueSpec.model_validate({"routes": two})}
    limits = {"softTimeLimitSeconds": 1, "timeLimitSeconds": 2}
    image = {
        name: QueueSettings.model_validate({"routes": spec.routes, **limits})
        for name, spec in specs.items()
    }

    assert queue_taking(task, specs) == Router(image, "one", list).queue_of(task)


def test_wrong_entries_and_disagreements_are_told_in_one_go() -> None:
    raw = imagineer().model_dump(by_alias=True)
    raw["workers"]["labeling"] |= {"concurency": 4, "nodeGroup": "tpu"}
    raw["workers"]["default"]["terminationGracePeriodSeconds"] = 60
    raw["workers"]["training"]["pool"] = "threads"

    with pytest.raises(config.ConfigError) as refused:
        config.validated(raw, "Pulumi.made-up.yaml")

    told = [line.removeprefix("Pulumi.made-up.yaml: ") for line in str(refused.value).splitlines()]
    beginnings = (
        "workers.labeling.concurency is not a known key",
        "workers.labeling.nodeGroup is 'tpu'",
        "workers.default.terminationGracePeriodSeconds is 60",
        "workers.training.pool is 'threads'",
    )
    assert len(told) == len(beginnings)
    assert all(any(line.startswith(key) for line in told) for key in beginnings)


def test_leaving_a_wrong_entry_out_makes_up_no_problem() -> None:
    raw = imagineer().model_dump(by_alias=True)
    raw["workers"]["labeling"]["queues"] = "labeling"
    raw["queues"]["scraping"]["timeLimitSeconds"] = 1

    with pytest.raises(config.ConfigError) as refused:
        config.validated(raw, "Pulumi.made-up.yaml")

    assert len(str(refused.value).splitlines()) == 2


def test_a_queue_with_dots_gets_a_worker_whose_name_kubernetes_takes() -> None:
    fleet = imagineer(queues={"default": {}, "team.reports": {}}, workers={})

    assert fleet.workers["team-reports"].queues == ("team.reports",)
