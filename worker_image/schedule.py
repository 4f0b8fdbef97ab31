"""What beat sends and when; all of it maintenance, on the maintenance queue."""

from datetime import timedelta

from celery.schedules import crontab

from worker_image.settings import Environment

_TASKS = "worker_image.tasks.maintenance"


def beat_schedule(environment: Environment) -> dict[str, dict[str, object]]:
    """Return the entries by name.

    A new entry first waits its time out; when it last ran survives in Redis.
    """
    options = {"queue": environment.maintenance_queue}
    training, scrapes = environment.purge_training_hour_utc, environment.purge_scrape_hour_utc
    return {
        "record-disk-usage": {
            "task": f"{_TASKS}.record_disk_usage",
            "schedule": timedelta(hours=environment.disk_sample_hours),
            "options": options,
        },
        "purge-stale-training": {
            "task": f"{_TASKS}.purge_stale_training",
            "schedule": crontab(minute="0", hour=str(training)),
            "options": options,
        },
        "purge-stale-scrapes": {
            "task": f"{_TASKS}.purge_stale_scrapes",
            "schedule": crontab(minute="0", hour=str(scrapes)),
            "options": options,
        },
    }
