"""What old runs and pages come to, and what is known of the disk."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.unit.worker_stage import contents, enter
from worker_image.storage import write_atomically
from worker_image.tasks.maintenance import (
    SAMPLES_FILE,
    purge_stale_scrapes,
    purge_stale_training,
    record_disk_usage,
)

DAY_S = 86_400


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(monkeypatch, tmp_path)


def aged(path: Path, days: float) -> Path:
    for entry in (path, *path.rglob("*")):
        os.utime(entry, (time.time() - days * DAY_S,) * 2)
    return path


def test_old_runs_and_pages_are_purged_and_young_ones_kept(data: Path) -> None:
    for name, days in {"old": 31, "young": 29}.items():
        write_atomically(data / "training" / name / "checkpoint.npz", b"x" * 100)
        aged(data / "training" / name, days)
    for name, days in {"old.html": 15, "young.html": 13}.items():
        write_atomically(data / "scrapes" / name, b"page")
        aged(data / "scrapes" / name, days)

    runs, pages = purge_stale_training(), purge_stale_scrapes()

    assert (runs["names"], runs["bytes"], runs["count"]) == (["old"], 100, 1)
    assert (pages["names"], pages["bytes"], pages["count"]) == (["old.html"], 4, 1)
    assert set(contents(data / "scrapes")) == {"young.html"}
    assert [run.name for run in (data / "training").iterdir()] == ["young"]


def test_a_run_with_one_fresh_file_is_kept(data: Path) -> None:
    run = data / "training" / "run-1"
    write_atomically(run / "old", b"x")
    aged(run, 60)
    write_atomically(run / "fresh", b"x")

    assert purge_stale_training()["names"] == []


def test_a_dry_run_says_the_same_and_removes_nothing(data: Path) -> None:
    write_atomically(data / "scrapes" / "old.html", b"page")
    aged(data / "scrapes" / "old.html", 60)

    told = purge_stale_scrapes(dry_run=True)

    assert (data / "scrapes" / "old.html").exists()
    assert purge_stale_scrapes() == {**told, "dry_run": False}


def test_a_purge_never_leaves_its_folder(data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_atomically(outside / "file", b"x")
    aged(outside, 60)
    (data / "training").mkdir()
    (data / "training" / "link").symlink_to(outside)
    (data / "scrapes").symlink_to(outside)

    assert purge_stale_training(older_than_days=0)["count"] == 0
    assert purge_stale_scrapes(older_than_days=0)["count"] == 0
    assert (outside / "file").exists()


def test_a_purge_of_nothing_removes_nothing(data: Path) -> None:
    assert purge_stale_training()["count"] == 0
    assert data.is_dir()


def test_the_disk_is_measured_and_the_sample_kept(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sample = record_disk_usage(warn_percent=100)

    assert sample["total_bytes"] >= sample["used_bytes"] > 0
    assert not sample["above_threshold"]
    assert json.loads((data / SAMPLES_FILE).read_text()) == sample
    assert "WARNING" not in caplog.text


def test_a_disk_above_the_threshold_is_warned_of(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert record_disk_usage(warn_percent=0.01)["above_threshold"]
    assert "WARNING" in caplog.text
    assert data.is_dir()


def test_a_second_delivery_adds_no_second_sample(data: Path) -> None:
    for task_id in ("1", "1", "2"):
        record_disk_usage.apply(task_id=task_id)

    kept = [json.loads(line) for line in (data / SAMPLES_FILE).read_text().splitlines()]
    assert [sample["sample_id"] for sample in kept] == ["1", "2"]
