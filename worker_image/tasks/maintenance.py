"""What beat sends: a look at the disk, and the purges of old runs and pages."""

import json
import logging
import shutil
from datetime import UTC, datetime
from typing import Annotated, TypedDict

from celery import current_task
from pydantic import Field

from worker_image.purge import NAMES_MAX, purge
from worker_image.storage import data_dir
from worker_image.tasks import scraping, training
from worker_image.tasks.declare import fleet_task

SAMPLES_FILE = "disk-usage.jsonl"

Days = Annotated[float, Field(ge=0, allow_inf_nan=False)]

logger = logging.getLogger(__name__)


class DiskSample(TypedDict):
    """The data folder's disk at one moment."""

    sample_id: str | None
    """The task's id; a second delivery adds no second sample."""
    time: str
    total_bytes: int
    used_bytes: int
    free_bytes: int
    used_percent: float
    above_threshold: bool


class Removed(TypedDict):
    """What a purge removed, or would have in a dry run."""

    folder: str
    dry_run: bool
    count: int
    bytes: int
    names: list[str]
    """The first hundred."""


@fleet_task()
def record_disk_usage(
    warn_percent: Annotated[float, Field(gt=0, le=100)] = 85.0,
) -> DiskSample:
    """Measure the data folder's disk, keep the sample in it, warn above the threshold."""
    total, used, free = shutil.disk_usage(data_dir())
    percent = round(100 * used / total, 1)
    sample = DiskSample(
        sample_id=current_task.request.id if current_task else None,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        total_bytes=total,
        used_bytes=used,
        free_bytes=free,
        used_percent=percent,
        above_threshold=percent >= warn_percent,
    )
    _keep(sample)
    level = logging.WARNING if sample["above_threshold"] else logging.INFO
    logger.log(level, "data folder's disk is %.1f %% full, %d bytes free", percent, free)
    return sample


@fleet_task()
def purge_stale_training(older_than_days: Days = 30.0, dry_run: bool = False) -> Removed:  # noqa: FBT001, FBT002 - tasks are called by keyword
    """Delete training runs whose files have all lain untouched for so many days."""
    return _purged(training.FOLDER, older_than_days, dry_run=dry_run)


@fleet_task()
def purge_stale_scrapes(older_than_days: Days = 14.0, dry_run: bool = False) -> Removed:  # noqa: FBT001, FBT002 - tasks are called by keyword
    """Delete scraped pages that were not fetched again for so many days."""
    return _purged(scraping.FOLDER, older_than_days, dry_run=dry_run)


def _purged(folder: str, older_than_days: float, *, dry_run: bool) -> Removed:
    purged = purge(data_dir() / folder, older_than_days, dry_run=dry_run)
    logger.info(
        "%s %d entries of %s, %d bytes",
        "would remove" if dry_run else "removed",
        len(purged.names),
        folder,
        purged.freed_bytes,
    )
    return Removed(
        folder=folder,
        dry_run=dry_run,
        count=len(purged.names),
        bytes=purged.freed_bytes,
        names=list(purged.names[:NAMES_MAX]),
    )


def _keep(sample: DiskSample) -> None:
    file = data_dir() / SAMPLES_FILE
    with file.open("a+") as samples:
        samples.seek(0)
        # Looked for as text: a line that a crash cut short is no reason to fail.
        known = json.dumps(sample["sample_id"])
        if known == "null" or not any(f'"sample_id": {known},' in line for line in samples):
            samples.write(json.dumps(sample) + "\n")
