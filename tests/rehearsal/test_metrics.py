"""What workers and beat tell Prometheus, beside what really happened."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.rehearsal.broker_contents import make_due
from tests.rehearsal.test_dead_letters import kill_all
from tests.rehearsal.worker_fleet import Fleet, eventually, free_port

pytestmark = pytest.mark.rehearsal

# Prints each task's id, and the publisher's clock just before it is sent.
SEND = """
import time
from worker_image.app import app
app.loader.import_default_modules()
with app.producer_or_acquire() as producer:
    for _ in range({count}):
        at = time.time()
        sent = app.send_task(
            "worker_image.tasks.canary.work", kwargs={{"seconds": {seconds}}}, producer=producer,
            {options}
        )
        print(f"{{sent}}={{at}}")
"""
WORK = {"queue": "default", "task": "worker_image.tasks.canary.work"}


class Scraped:
    """The metrics of one process, asked over HTTP."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"

    def families(self) -> dict[str, Metric]:
        text = httpx.get(self._url, timeout=30).text
        return {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, sample: str, **labels: str) -> float:
        """The one sample of that name and these labels; 0 where there is none yet."""
        found = [
            each.value
            for family in self.families().values()
            for each in family.samples
            if each.name == sample and labels.items() <= each.labels.items()
        ]
        assert len(found) <= 1, found
        return found[0] if found else 0.0

    def quantile(self, histogram: str, share: float) -> float:
        """As Prometheus' `histogram_quantile` reads it: linear within a bucket."""
        buckets = sorted(
            (float(each.labels["le"]), each.value)
            for each in self.families()[histogram].samples
            if each.name.endswith("_bucket")
        )
        rank, below, at_most = share * buckets[-1][1], 0.0, 0.0
        for bound, count in buckets:
            if count >= rank:
                return below + (bound - below) * (rank - at_most) / (count - at_most)
            below, at_most = bound, count
        raise AssertionError("no bucket")


def measured_worker(
    fleet: Fleet, *options: str, **env: str
) -> tuple[subprocess.Popen[bytes], Scraped]:
    port = free_port()
    worker = fleet.launch(
        "default",
        *("--queues=default", "--hostname=worker-default@pod"),
        *("--prefetch-multiplier=1", "--disable-prefetch", "-O", "fair"),
        *("--without-gossip", "--without-mingle", *options),
        FLEET_METRICS_PORT=str(port),
        **env,
    )
    eventually(fleet.heartbeat("default").exists)
    return worker, Scraped(port)


def send(fleet: Fleet, count: int, seconds: float, options: str = "") -> dict[str, float]:
    """Unix time by task id."""
    told = fleet.publish(SEND.format(count=count, seconds=seconds, options=options))
    return {task_id: float(at) for task_id, at in (line.split("=") for line in told)}


@pytest.mark.timeout(120)
def test_queue_wait_is_what_publisher_and_worker_saw_within_five_per_cent(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count, ledger = 200, tmp_path / "starts"
    _, scraped = measured_worker(
        fleet,
        *("--concurrency=2", "--max-tasks-per-child=15", "-I", "tests.rehearsal.start_ledger"),
        START_LEDGER=str(ledger),
    )
    sent = send(fleet, count, 0.05)
    eventually(lambda: scraped.value("fleet_tasks_total", **WORK, outcome="success") >= count, 60)

    started = dict(line.split() for line in ledger.read_text().splitlines())
    waits_s = sorted(float(started[task_id]) - at for task_id, at in sent.items())
    told_count = scraped.value("fleet_task_wait_seconds_count", queue="default")
    mean_s = scraped.value("fleet_task_wait_seconds_sum", queue="default") / told_count
    errors = {"mean": mean_s / (sum(waits_s) / count) - 1}
    for share in (0.5, 0.95):
        truth_s = waits_s[round(share * count) - 1]
        errors[f"p{share:.0%}"] = scraped.quantile("fleet_task_wait_seconds", share) / truth_s - 1
    with capsys.disabled():
        print({name: f"{error:+.2%}" for name, error in errors.items()}, f"{waits_s[-1]:.1f} s")  # noqa: T201 - read by people

    assert told_count == count
    assert waits_s[-1] > 2
    assert max(map(abs, errors.values())) < 0.05
    assert scraped.value("fleet_task_run_seconds_count", **WORK) == count
    run_s = scraped.value("fleet_task_run_seconds_sum", **WORK) / count
    assert 0.05 <= run_s < 0.1


@pytest.mark.parametrize("pool", ["threads", "gevent", "solo"])
def test_other_pools_are_measured_as_well(fleet: Fleet, pool: str) -> None:
    _, scraped = measured_worker(fleet, f"--pool={pool}", "--concurrency=2")
    send(fleet, 5, 0.01)

    eventually(lambda: scraped.value("fleet_tasks_total", **WORK, outcome="success") == 5)
    assert scraped.value("fleet_task_wait_seconds_count", queue="default") == 5


def test_a_task_killed_at_its_limit_is_one_failure(fleet: Fleet) -> None:
    worker, scraped = measured_worker(fleet, "--concurrency=1")
    send(fleet, 1, 30, "time_limit=1")
    eventually(lambda: any("received" in line["message"] for line in fleet.lines("default")))
    time.sleep(0.3)
    (child,) = psutil.Process(worker.pid).children()
    child.suspend()

    eventually(lambda: scraped.value("fleet_tasks_total", **WORK, outcome="failure") == 1)
    time.sleep(1)
    assert scraped.value("fleet_tasks_total", **WORK, outcome="failure") == 1


@pytest.mark.timeout(180)
def test_deliveries_after_the_first_and_dead_letters_are_counted(fleet: Fleet) -> None:
    fleet.settings |= {"deliveryLimit": 1, "visibilityTimeoutSeconds": 3}
    first, _ = measured_worker(fleet, "--concurrency=1")
    send(fleet, 1, 20)
    with fleet.broker.client() as client:
        eventually(lambda: client.hlen("unacked:default") == 1)
    time.sleep(0.5)
    kill_all(first)
    fleet.heartbeat("default").unlink()

    _, scraped = measured_worker(fleet, "--concurrency=1")

    eventually(lambda: scraped.value("fleet_dead_letters_total", queue="default") == 1, 40)
    eventually(lambda: scraped.value("fleet_tasks_total", **WORK, outcome="parked") == 1)
    assert scraped.value("fleet_redeliveries_total", queue="default") == 1
    assert scraped.value("fleet_tasks_total", **WORK, outcome="failure") == 0


@pytest.mark.timeout(180)
def test_a_beat_started_anew_keeps_schedules_and_tells_what_the_one_before_it_sent(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    sample = "fleet_beat_last_send_timestamp_seconds"
    entry = {"schedule": "record-disk-usage"}
    last: list[float] = []
    kept: list[dict[str, Any]] = []
    for _ in range(2):
        port = free_port()
        beat = fleet.launch("beat", command="beat", FLEET_METRICS_PORT=str(port))
        eventually(fleet.heartbeat("beat").exists)
        scraped = Scraped(port)
        if not last:
            assert scraped.value(sample, **entry) == 0
            make_due(store, entry["schedule"])
        last.append(eventually(lambda scraped=scraped: scraped.value(sample, **entry)))  # type: ignore[misc]  # mypy: lambda default
        time.sleep(6)
        assert store.llen("default") == 1
        kept.append(json.loads(str(store.hget("redbeat:record-disk-usage", "meta"))))
        beat.send_signal(signal.SIGTERM)
        assert beat.wait(timeout=15) == 0

    assert abs(last[0] - time.time()) < 60
    assert last[1] == pytest.approx(last[0], abs=1)
    assert kept[0] == kept[1]
    assert kept[0]["total_run_count"] == 2
