"""Real workers hold what they run, or will run, for as long as it takes, at little cost."""

import signal
import time
from collections import Counter

import psutil
import pytest

from tests.rehearsal.fair_stage import ask, send
from tests.rehearsal.lease_fleet import HELD, LATER, QUEUE, VISIBILITY_S, Stage
from tests.rehearsal.worker_fleet import Fleet, eventually

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

# A pipe holds 64 KiB.
PADDED = """
from worker_image.app import app
app.loader.import_default_modules()
pad = {{"pad": "x" * {bytes}}}
print(app.send_task("worker_image.tasks.canary.work", kwargs={{"seconds": 0}}, headers=pad))
"""
HANDED_OVER_S = 0.5
"""By then a worker has handed a message over, or heard of its process."""


@pytest.fixture
def stage(fleet: Fleet) -> Stage:
    return Stage(fleet)


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "solo"])
def test_a_task_longer_than_the_visibility_timeout_runs_once(stage: Stage, pool: str) -> None:
    stage.worker("first", "--concurrency=1", f"--pool={pool}")
    ids = send(stage.fleet, 1, seconds=VISIBILITY_S + 9, queue=QUEUE)
    eventually(lambda: stage.starts().total() == 1)
    # It looks every ten seconds for what nobody renews.
    stage.worker("second")

    eventually(lambda: stage.finished(ids), 30)
    eventually(stage.at_rest)
    assert stage.starts() == Counter(ids)


def test_a_task_that_waits_for_its_time_longer_than_the_visibility_timeout_runs_once(
    stage: Stage,
) -> None:
    stage.worker("first")
    ids = stage.fleet.publish(LATER.format(seconds=VISIBILITY_S + 10))
    eventually(lambda: ask(stage.fleet, lambda c: c.hlen(HELD)) == 1)
    stage.worker("second")

    eventually(lambda: stage.finished(ids), 30)
    eventually(stage.at_rest)
    assert stage.starts() == Counter(ids)


def test_a_running_task_keeps_its_lease_while_its_worker_drains(stage: Stage) -> None:
    first = stage.worker("first")
    ids = send(stage.fleet, 1, seconds=VISIBILITY_S + 9, queue=QUEUE)
    eventually(lambda: stage.starts().total() == 1)
    stage.worker("second")

    first.send_signal(signal.SIGTERM)

    assert first.wait(timeout=30) == 0
    eventually(stage.at_rest)
    assert stage.finished(ids)
    assert stage.starts() == Counter(ids)


@pytest.mark.parametrize("padding_bytes", [0, 200_000], ids=["written", "half-written"])
def test_a_task_on_its_way_to_a_process_as_its_worker_is_told_to_stop_runs_once(
    stage: Stage, padding_bytes: int
) -> None:
    first = stage.worker("first")
    (process,) = psutil.Process(first.pid).children(recursive=True)
    process.suspend()  # as if it had not been scheduled yet: nobody has heard that it began
    ids = stage.fleet.publish(PADDED.format(bytes=padding_bytes))
    eventually(lambda: ask(stage.fleet, lambda c: c.hlen(HELD)) == 1)
    time.sleep(HANDED_OVER_S)
    stage.worker("second")

    first.send_signal(signal.SIGTERM)
    time.sleep(HANDED_OVER_S)
    process.resume()

    assert first.wait(timeout=30) == 0
    eventually(stage.at_rest)
    assert stage.finished(ids)
    assert stage.starts() == Counter(ids)


def test_an_idle_worker_asks_little(stage: Stage) -> None:
    stage.worker("first")
    time.sleep(2)

    def commands() -> int:
        told = ask(stage.fleet, lambda c: c.info("commandstats"))
        return sum(int(each["calls"]) for name, each in told.items() if name != "cmdstat_info")

    before, seconds = commands(), 10
    time.sleep(seconds)

    assert (commands() - before) / seconds <= 10
