"""What the infrastructure renders is what the image accepts."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.manifests.settings import settings_document
from tests.unit.recorder import Recorder, imagineer
from tests.unit.worker_stage import environ
from worker_image import boot, settings
from worker_image.factory import build_app, fleet_router

CONFIG = imagineer()


def literals(deployment: dict[str, Any]) -> dict[str, str]:
    """Environment that the manifest itself states, without files, which lie in the pod."""
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    stated = {entry["name"]: entry["value"] for entry in env if "value" in entry}
    return {name: value for name, value in stated.items() if not value.startswith("/")}


def option(command: list[str], name: str) -> str:
    (found,) = [word for word in command if word.startswith(f"--{name}=")]
    return found.partition("=")[2]


@pytest.mark.parametrize("worker", CONFIG.workers)
def test_every_worker_of_the_stack_would_start(
    fleet: Recorder, tmp_path: Path, worker: str
) -> None:
    deployment = fleet.of_kind("Deployment")[f"worker-{worker}"]
    command = deployment["spec"]["template"]["spec"]["containers"][0]["command"]
    told = json.loads(settings_document(CONFIG))
    loaded = settings.load(environ(tmp_path, told, **literals(deployment)))
    app = build_app(loaded)
    app.loader.import_default_modules()
    asked = option(command, "queues").split(",")

    assert boot.problems(app, loaded, fleet_router(loaded, app), asked) == []
    assert loaded.environment.worker == worker


def test_every_task_of_the_image_has_a_queue_in_the_stack(tmp_path: Path) -> None:
    loaded = settings.load(environ(tmp_path, json.loads(settings_document(CONFIG))))
    app = build_app(loaded)
    app.loader.import_default_modules()
    router = fleet_router(loaded, app)

    ours = [name for name in app.tasks if name.startswith(boot.OUR_TASKS)]
    assert len(ours) >= 8
    assert [name for name in ours if router.queue_of(name) is None] == []


def test_the_image_counts_running_tasks_where_the_scaler_looks(fleet: Recorder) -> None:
    told = json.loads(settings_document(CONFIG))
    scaled = fleet.of_kind("ScaledObject")

    for name, worker in told["workers"].items():
        triggers = scaled[f"worker-{name}"]["spec"]["triggers"]
        lists = [trigger["metadata"]["listName"] for trigger in triggers]
        assert told["keyPrefix"] + worker["inFlightKey"] in lists
