"""What the infrastructure renders is what the image accepts, for every stack that is shipped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery import Celery

from infra.alerts import queues as alert_rules
from infra.config import load_file
from infra.manifests.deployment import beat_deployment, worker_deployment
from infra.manifests.scaled_object import scaled_object
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig
from tests.unit.recorder import ROOT
from tests.unit.worker_stage import QUEUE, document, environ
from worker_image import boot, settings, stats
from worker_image.conf import TASK_MODULES
from worker_image.factory import build_app, fleet_router
from worker_image.settings import Settings

PREFIX = "celery-fleet:"


def fleets() -> dict[str, FleetConfig]:
    """Each stack file in each of its profiles, by a readable name."""
    found = {}
    for file in sorted((ROOT / "stacks").glob("*.yaml")):
        found[file.stem] = load_file(file)
        raw = yaml.safe_load(file.read_text())["config"]
        stated = {key.removeprefix(PREFIX): value for key, value in raw.items()}
        for profile in stated.get("profiles", {}):
            chosen = FleetConfig.model_validate({**stated, "profile": profile})
            found[f"{file.stem}-{profile}"] = chosen
    return found


FLEETS = fleets()
WORKERS = [(fleet, worker) for fleet, config in FLEETS.items() for worker in config.workers]


def literals(deployment: dict[str, Any]) -> dict[str, str]:
    """Environment that the manifest itself states, without files, which lie in the pod."""
    env = deployment["template"]["spec"]["containers"][0]["env"]
    stated = {entry["name"]: entry["value"] for entry in env if "value" in entry}
    return {name: value for name, value in stated.items() if not value.startswith("/")}


def option(command: list[str], name: str) -> str:
    (found,) = [word for word in command if word.startswith(f"--{name}=")]
    return found.partition("=")[2]


def process(
    folder: Path, config: FleetConfig, deployment: dict[str, Any]
) -> tuple[Celery, Settings]:
    """One of the fleet's processes, as its pod would start it."""
    told = json.loads(settings_document(config))
    loaded = settings.load(environ(folder, told, **literals(deployment)))
    app = build_app(loaded)
    app.loader.import_default_modules()
    return app, loaded


def ours(app: Celery) -> list[str]:
    return [name for name in app.tasks if name.startswith("worker_image.")]


def test_the_systems_of_the_seeds_are_among_the_stacks() -> None:
    assert {"baseten", "imagineer", "mistudio", "mistudio-minimal", "mistudio-datasets"} <= set(
        FLEETS
    )


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_every_worker_of_every_stack_would_start(tmp_path: Path, fleet: str, worker: str) -> None:
    config = FLEETS[fleet]
    deployment = worker_deployment(config, worker)
    app, loaded = process(tmp_path, config, deployment)
    command = deployment["template"]["spec"]["containers"][0]["command"]
    asked = option(command, "queues").split(",")

    assert boot.problems(app, loaded, fleet_router(loaded, app), asked) == []
    assert loaded.environment.worker == worker


def registry_problems(app: Celery, loaded: Settings) -> list[str]:
    """What routes, beat and queues say of tasks, against the tasks there are."""
    router = fleet_router(loaded, app)
    reached = {router.queue_of(task) for task in ours(app)}
    unsent = {entry["task"] for entry in app.conf.beat_schedule.values()} - set(ours(app))
    return [
        *router.problems(ours(app)),
        *(f"beat sends {task}, which is no task" for task in sorted(unsent)),
        *(
            f"no task reaches queue {queue}"
            for queue in loaded.fleet.queues
            if queue not in reached
        ),
    ]


@pytest.mark.parametrize("fleet", FLEETS)
def test_routes_beat_and_queues_of_every_stack_agree_with_the_tasks(
    tmp_path: Path, fleet: str
) -> None:
    app, loaded = process(tmp_path, FLEETS[fleet], beat_deployment(FLEETS[fleet]))

    assert registry_problems(app, loaded) == []


def broken(folder: Path, break_it: Callable[[dict[str, Any]], object]) -> tuple[Celery, Settings]:
    told = document()
    break_it(told["queues"])
    loaded = settings.load(environ(folder, told))
    app = build_app(loaded)
    app.loader.import_default_modules()
    return app, loaded


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (
            lambda queues: queues["labeling"]["routes"].append("worker_image.tasks.labelling.*"),
            "queue 'labeling': route 'worker_image.tasks.labelling.*' matches no task",
        ),
        (lambda queues: queues.update(spare=QUEUE), "no task reaches queue spare"),
        (
            lambda queues: queues.update(spare={**QUEUE, "routes": ["*.canary.*"]}),
            "no task reaches queue spare",
        ),
    ],
)
def test_a_route_without_a_task_and_a_queue_without_one_are_found(
    tmp_path: Path, break_it: Callable[[dict[str, Any]], object], problem: str
) -> None:
    (found,) = registry_problems(*broken(tmp_path, break_it))

    assert found.startswith(problem)


def test_a_beat_entry_without_a_task_is_found(tmp_path: Path) -> None:
    app, loaded = broken(tmp_path, lambda _queues: None)
    renamed = "worker_image.tasks.maintenance.record_disc_usage"
    app.conf.beat_schedule["record-disk-usage"]["task"] = renamed

    assert registry_problems(app, loaded) == [f"beat sends {renamed}, which is no task"]


@pytest.mark.parametrize("fleet", FLEETS)
def test_what_beat_sends_is_routed_to_where_beat_sends_it(tmp_path: Path, fleet: str) -> None:
    app, loaded = process(tmp_path, FLEETS[fleet], beat_deployment(FLEETS[fleet]))
    router = fleet_router(loaded, app)

    entries = app.conf.beat_schedule.values()
    assert len(entries) == 3
    for entry in entries:
        assert router.queue_of(entry["task"]) == entry["options"]["queue"]
        assert entry["options"]["queue"] == FLEETS[fleet].beat.maintenance_queue


def test_every_task_of_the_image_has_a_queue_in_some_stack(tmp_path: Path) -> None:
    routed = set()
    for config in FLEETS.values():
        app, loaded = process(tmp_path, config, beat_deployment(config))
        router = fleet_router(loaded, app)
        routed |= {task for task in ours(app) if router.queue_of(task)}

    assert routed == set(ours(app))


def test_every_module_of_tasks_is_in_the_image() -> None:
    folder = ROOT / "worker_image" / "tasks"
    modules = {f"worker_image.tasks.{file.stem}" for file in folder.glob("*.py")}

    support = {"worker_image.tasks.__init__", "worker_image.tasks.declare"}
    assert set(TASK_MODULES) == modules - support


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_the_image_counts_running_tasks_where_the_scaler_looks(fleet: str, worker: str) -> None:
    told = json.loads(settings_document(FLEETS[fleet]))

    triggers = scaled_object(FLEETS[fleet], worker)["triggers"]
    lists = [trigger["metadata"]["listName"] for trigger in triggers]
    assert told["keyPrefix"] + told["workers"][worker]["inFlightKey"] in lists


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_no_queues_limit_is_above_what_its_worker_and_its_pod_bear(fleet: str, worker: str) -> None:
    deployment = worker_deployment(FLEETS[fleet], worker)
    pod = deployment["template"]["spec"]
    hard = int(option(pod["containers"][0]["command"], "time-limit"))
    told = json.loads(settings_document(FLEETS[fleet]))

    limits = [
        told["queues"][queue]["timeLimitSeconds"] for queue in told["workers"][worker]["queues"]
    ]
    assert max(limits) == hard < pod["terminationGracePeriodSeconds"]


def test_the_alerts_leave_out_the_task_that_the_image_calls_a_probe() -> None:
    assert alert_rules.PROBE == stats.PROBE
