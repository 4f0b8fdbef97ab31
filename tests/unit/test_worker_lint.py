"""A process whose settings would lose, repeat or strand tasks does not start, and says why."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from celery import Celery, signals

from tests.unit.worker_stage import fair_document, load
from worker_image import beat, boot, lint, lint_rules
from worker_image.factory import build_app, fleet_router

WORK = "worker_image.tasks.canary.work"

# Each setting of the table, and a value that Celery takes and that loses tasks.
LOSSY: Mapping[str, Any] = {
    "task_acks_late": False,
    "task_track_started": True,
    "task_reject_on_worker_lost": None,
    "task_retry_on_worker_lost": False,
    "task_create_missing_queues": True,
    "task_always_eager": True,
    "task_protocol": 1,
    "task_serializer": "yaml",
    "task_publish_retry": False,
    "task_ignore_result": True,
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "worker_deduplicate_successful_tasks": False,
    "worker_consumer": "celery.worker.consumer:Consumer",
    "worker_eta_task_limit": 100,
    "worker_soft_shutdown_timeout": 10.0,
    "worker_pool_restarts": True,
    "worker_direct": True,
    "result_backend_always_retry": False,
    "result_backend_max_retries": 3,
    "broker_channel_error_retry": False,
    "broker_connection_retry": False,
    "broker_connection_retry_on_startup": False,
    "broker_connection_max_retries": 100,
}
OPTIONS: Mapping[str, Any] = {
    "purge": True,
    "beat": True,
    "exclude_queues": ["labeling"],
    "autoscale": (4, 1),
}


def start(folder: Path, /, **env: str) -> lint.Start:
    settings = load(folder, fair_document(), FLEET_WORKER="labeling", **env)
    app = build_app(settings)
    app.loader.import_default_modules()
    app.finalize()
    options = {"queues": ["labeling"], "prefetch_multiplier": 1, "purge": False, "autoscale": None}
    return lint.Start(app, settings, options, {})


def test_the_fleets_own_settings_are_accepted(tmp_path: Path) -> None:
    assert lint.worker_problems(start(tmp_path)) == []


def test_every_row_of_the_table_is_tried() -> None:
    rows = {rule.setting for rule in (*lint_rules.PUBLISHER, *lint_rules.WORKER)}

    assert set(LOSSY) == rows
    assert set(OPTIONS) == {rule.setting for rule in lint_rules.OPTIONS}


@pytest.mark.parametrize("setting", LOSSY)
def test_a_setting_that_loses_tasks_is_refused_with_its_reason(
    tmp_path: Path, setting: str
) -> None:
    begun = start(tmp_path)
    begun.app.conf[setting] = LOSSY[setting]

    (problem,) = [p for p in lint.worker_problems(begun) if p.startswith(setting)]

    (rule,) = [r for r in (*lint_rules.PUBLISHER, *lint_rules.WORKER) if r.setting == setting]
    assert problem.startswith(f"{setting} is {LOSSY[setting]!r}, it must be {rule.allowed[0]!r}")
    assert problem.endswith(rule.reason)
    assert "\n" not in problem


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_loses_tasks_is_refused(tmp_path: Path, option: str) -> None:
    begun = start(tmp_path)
    changed = lint.Start(
        begun.app, begun.settings, {**begun.options, option: OPTIONS[option]}, begun.environ
    )

    (problem,) = lint.worker_problems(changed)

    assert problem.startswith(f"option {option} is {OPTIONS[option]!r}, it must be ")


def test_a_remapped_sigterm_is_refused(tmp_path: Path) -> None:
    begun = start(tmp_path)
    changed = lint.Start(begun.app, begun.settings, begun.options, {"REMAP_SIGTERM": "SIGQUIT"})

    (problem,) = lint.worker_problems(changed)

    assert problem.startswith("REMAP_SIGTERM is set: every scale-in would be a cold shutdown")


def early(app: Celery) -> None:
    app.tasks[WORK].acks_late = False


def tracked(app: Celery) -> None:
    app.tasks[WORK].track_started = True


def built_in(app: Celery) -> None:
    app.tasks["celery.chord_unlock"].acks_late = False


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (early, f"task {WORK!r}: acks_late is False, it must be True: no scaler would see it run"),
        (tracked, f"task {WORK!r}: track_started is True, it must be False or None"),
        (built_in, "task 'celery.chord_unlock': acks_late is False"),
    ],
)
def test_a_task_that_is_declared_lossy_is_refused(
    tmp_path: Path, change: Callable[[Celery], None], told: str
) -> None:
    begun = start(tmp_path)
    change(begun.app)

    (problem,) = lint.worker_problems(begun)

    assert problem.startswith(told)


def test_a_worker_ends_at_its_start_with_every_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals.celeryd_init, "receivers", [])
    begun = start(tmp_path)
    boot.connect(begun.settings, begun.app, fleet_router(begun.settings, begun.app))
    monkeypatch.setenv("REMAP_SIGTERM", "SIGQUIT")
    begun.app.conf.task_track_started = True

    with pytest.raises(SystemExit) as ended:
        signals.celeryd_init.send(
            sender="w", instance=Mock(), options={"queues": ["labeling"], "purge": True}
        )

    first, *lines = str(ended.value.code).splitlines()
    assert first == "worker_image cannot start:"
    assert [line.split(" is ")[0] for line in lines] == [
        "task_track_started",
        "option purge",
        "REMAP_SIGTERM",
    ]


def test_beat_ends_before_it_asks_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = start(tmp_path)
    monkeypatch.setattr(beat, "current", lambda: begun.settings)
    begun.app.conf.task_create_missing_queues = True

    with pytest.raises(SystemExit, match="a misspelt queue would become a list"):
        beat.Scheduler(app=begun.app)
