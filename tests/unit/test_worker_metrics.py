"""What is counted for Prometheus, and that forked processes' counts reach the main one."""

import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from celery import signals
from prometheus_client import CollectorRegistry

from tests.unit.worker_stage import load
from worker_image import metrics_feed, metrics_server
from worker_image.metrics import RUN_BUCKETS_S, WAIT_BUCKETS_S, TaskMetrics
from worker_image.metrics_beat import BeatMetrics
from worker_image.metrics_feed import Feed
from worker_image.settings import SettingsError
from worker_image.stats import TaskEnd

TASK = "worker_image.tasks.canary.work"
LABELS = {"queue": "labeling", "task": TASK}


def end(state: str = "SUCCESS", task_id: str = "1", **told: Any) -> TaskEnd:
    changes = {"redelivered": False, "wait_s": 0.5, "task": TASK, "run_s": 2.0, **told}
    return TaskEnd(task_id, "labeling", state, **changes)


@pytest.fixture
def metrics() -> TaskMetrics:
    return TaskMetrics()


def value(metrics: TaskMetrics, sample: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(sample, labels)


def ends(metrics: TaskMetrics, outcome: str) -> float | None:
    return value(metrics, "fleet_tasks_total", **LABELS, outcome=outcome)


def test_a_run_is_counted_by_its_outcome_with_wait_and_time(metrics: TaskMetrics) -> None:
    for state in ("SUCCESS", "SUCCESS", "RETRY", "REJECTED"):
        metrics.ended(end(state))

    assert [ends(metrics, outcome) for outcome in ("success", "retry", "parked")] == [2, 1, 1]
    assert value(metrics, "fleet_task_wait_seconds_sum", queue="labeling") == 2
    assert value(metrics, "fleet_task_run_seconds_sum", **LABELS) == 8
    assert value(metrics, "fleet_redeliveries_total", queue="labeling") is None


def test_a_failure_that_two_processes_report_is_one(metrics: TaskMetrics) -> None:
    for task_id in ("1", "1", "2"):
        metrics.ended(end("FAILURE", task_id))

    assert ends(metrics, "failure") == 2


def test_a_second_delivery_is_counted_and_has_no_wait(metrics: TaskMetrics) -> None:
    metrics.ended(end(redelivered=True, wait_s=None))

    assert value(metrics, "fleet_redeliveries_total", queue="labeling") == 1
    assert value(metrics, "fleet_task_wait_seconds_count", queue="labeling") is None


def test_buckets_of_waits_lie_close_enough_for_quantiles() -> None:
    ratios = [high / low for low, high in pairwise(WAIT_BUCKETS_S)]

    assert (WAIT_BUCKETS_S[0], WAIT_BUCKETS_S[-1]) == (0.01, 10_000)
    assert max(ratios) < 1.13
    assert len(WAIT_BUCKETS_S) < 128
    assert RUN_BUCKETS_S[-1] == 100_000
    assert sorted(set(RUN_BUCKETS_S)) == list(RUN_BUCKETS_S)


def in_child(work: Any) -> None:
    """Do something in a forked process, which ends without Python's farewell."""
    if (pid := os.fork()) == 0:
        work()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def test_what_forked_processes_count_is_there_when_they_are_gone() -> None:
    feed = Feed()
    feed.open()
    for number in range(3):
        in_child(lambda number=number: feed.ended(end(task_id=str(number))))
    in_child(lambda: feed.parked("labeling"))
    feed.ended(end(task_id="of the main process"))

    feed.take()

    assert feed.metrics is not None
    assert ends(feed.metrics, "success") == 4
    assert value(feed.metrics, "fleet_dead_letters_total", queue="labeling") == 1


def test_a_main_process_that_does_not_read_stops_no_task(caplog: pytest.LogCaptureFixture) -> None:
    feed = Feed()
    feed.open()
    os.set_blocking(feed._reads, False)

    def fill() -> None:
        for _ in range(10_000):
            feed.ended(end())

    in_child(fill)

    feed.take()
    assert feed.metrics is not None
    assert 3000 < (ends(feed.metrics, "success") or 0) < 10_000
    assert caplog.text == ""


def test_without_a_port_nothing_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals.worker_init, "receivers", [])
    feed = metrics_feed.connect(load(tmp_path))
    signals.worker_init.send(sender=None)
    feed.ended(end())

    assert feed.metrics is None


def test_with_a_port_a_worker_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (signals.worker_init, signals.worker_ready, signals.beat_init):
        monkeypatch.setattr(each, "receivers", [])
    feed = metrics_feed.connect(load(tmp_path, FLEET_METRICS_PORT="9808"))
    signals.worker_init.send(sender=None)
    feed.ended(end())

    assert feed.metrics is not None
    assert ends(feed.metrics, "success") == 1


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(SettingsError, match="FLEET_METRICS_PORT"):
        load(tmp_path, FLEET_METRICS_PORT=port)


def test_a_port_that_is_taken_costs_no_task(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def taken(*_: object) -> None:
        raise OSError("address already in use")

    monkeypatch.setattr(metrics_server, "start_http_server", taken)
    metrics_server.serve(CollectorRegistry(), "127.0.0.1", 9808)

    assert "no metrics at 127.0.0.1:9808: address already in use" in caplog.text


def test_beat_tells_when_it_sent_each_schedule() -> None:
    beat = BeatMetrics()
    beat.sent_before([("purge", 100.0), ("sample", 200.0)])
    beat.sent("sample", 300.0)

    sample = "fleet_beat_last_send_timestamp_seconds"
    told = [beat.registry.get_sample_value(sample, {"schedule": n}) for n in ("purge", "sample")]
    assert told == [100.0, 300.0]
