"""When beat sends what, and where to."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from celery.schedules import crontab

from tests.unit.worker_stage import QUEUE, document, load
from worker_image.factory import build_app
from worker_image.schedule import beat_schedule


def test_the_seeds_hours_and_interval_are_the_default(tmp_path: Path) -> None:
    entries = beat_schedule(load(tmp_path).environment)

    assert entries["record-disk-usage"]["schedule"] == timedelta(hours=6)
    assert entries["purge-stale-training"]["schedule"] == crontab(minute="0", hour="3")
    assert entries["purge-stale-scrapes"]["schedule"] == crontab(minute="0", hour="4")


def test_the_environment_moves_them(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        document(queues={**document()["queues"], "chores": QUEUE}),
        IMAGINEER_DISK_SAMPLE_HOURS="24",
        IMAGINEER_PURGE_TRAINING_HOUR="0",
        IMAGINEER_PURGE_SCRAPE_HOUR="23",
        IMAGINEER_MAINTENANCE_QUEUE="chores",
    )
    entries = beat_schedule(settings.environment)

    assert entries["record-disk-usage"]["schedule"] == timedelta(hours=24)
    assert entries["purge-stale-training"]["schedule"] == crontab(minute="0", hour="0")
    assert entries["purge-stale-scrapes"]["schedule"] == crontab(minute="0", hour="23")
    assert {str(entry["options"]) for entry in entries.values()} == {"{'queue': 'chores'}"}


def test_hours_are_utc(tmp_path: Path) -> None:
    app = build_app(load(tmp_path))
    entry = app.conf.beat_schedule["purge-stale-training"]["schedule"]
    entry.app = app
    entry.nowfun = lambda: datetime(2026, 11, 21, 3, 0, 30, tzinfo=UTC)

    assert entry.is_due(datetime(2026, 11, 20, 3, 0, 30, tzinfo=UTC)).is_due
    assert not entry.is_due(datetime(2026, 11, 21, 3, 0, 10, tzinfo=UTC)).is_due


def test_every_entry_is_a_task_of_this_image(tmp_path: Path) -> None:
    app = build_app(load(tmp_path))
    app.loader.import_default_modules()

    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
