"""A worker that would strand, hide or lose messages does not start, and says why."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from celery import signals

from tests.unit.worker_stage import document, load
from worker_image import boot
from worker_image.factory import build_app, fleet_router


def found(
    folder: Path, asked: list[str] | None, told: dict[str, Any] | None = None, **env: str
) -> list[str]:
    settings = load(folder, told, **{"FLEET_WORKER": "labeling", **env})
    app = build_app(settings)
    app.loader.import_default_modules()
    return boot.problems(app, settings, fleet_router(settings, app), asked)


def test_a_declared_worker_starts(tmp_path: Path) -> None:
    assert found(tmp_path, ["labeling"]) == []


def test_an_undeclared_queue_is_refused(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, ["labeling", "labelling"])

    assert problem.startswith("-Q names ['labelling']: no such queue, declared are ['default'")


@pytest.mark.parametrize("asked", [None, ["default"], ["default", "labeling"]])
def test_queues_that_the_workers_scaler_does_not_count_are_refused(
    tmp_path: Path, asked: list[str] | None
) -> None:
    (problem,) = found(tmp_path, asked)

    assert "worker 'labeling' is declared with ['labeling']" in problem


def test_a_worker_without_a_name_is_refused(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, ["labeling"], FLEET_WORKER="")

    assert problem.startswith("FLEET_WORKER is not set")


def test_a_route_without_a_task_is_refused(tmp_path: Path) -> None:
    told = document()
    told["queues"]["labeling"]["routes"] += ["server.tasks.labeling.*"]

    (problem,) = found(tmp_path, ["labeling"], told)

    assert "'server.tasks.labeling.*' matches no task" in problem


def test_a_rate_limit_without_a_task_is_refused(tmp_path: Path) -> None:
    told = document()
    told["queues"]["scraping"]["rateLimits"] = {"worker_image.tasks.scraping.fetch": "5/s"}

    (problem,) = found(tmp_path, ["labeling"], told)

    assert "rateLimits names 'worker_image.tasks.scraping.fetch'" in problem


def test_a_missing_data_folder_is_refused(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, ["labeling"], FLEET_DATA_DIR="/nowhere")

    assert problem == "FLEET_DATA_DIR is '/nowhere': no such directory"


def test_all_reasons_come_in_one_message_with_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals.celeryd_init, "receivers", [])
    settings = load(tmp_path)
    app = build_app(settings)
    boot.connect(settings, app, fleet_router(settings, app))

    with pytest.raises(SystemExit) as ended:
        signals.celeryd_init.send(sender="w", instance=Mock(), options={"queues": ["gpu"]})

    assert str(ended.value.code).splitlines()[0] == "worker_image cannot start:"
    assert "-Q names ['gpu']" in str(ended.value.code)
    assert "FLEET_WORKER is not set" in str(ended.value.code)
