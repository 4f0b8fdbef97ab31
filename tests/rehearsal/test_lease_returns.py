"""Real workers that return after their leases: what they had not begun is another's."""

import signal
import time
from collections import Counter
from subprocess import Popen

import pytest

from tests.rehearsal.fair_stage import ask, send
from tests.rehearsal.lease_fleet import HELD, LATER, QUEUE, VISIBILITY_S, Stage
from tests.rehearsal.worker_fleet import Fleet, eventually

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

POOLS = ["prefork", "threads", "gevent", "solo"]
RESTORED_S = VISIBILITY_S + 25
"""By then another worker has looked twice for what nobody renews, and run it."""
TOLD = "is not begun: another worker may have its message"


@pytest.fixture
def stage(fleet: Fleet) -> Stage:
    return Stage(fleet)


def held(stage: Stage) -> set[str]:
    return set(ask(stage.fleet, lambda c: c.hkeys(HELD)))


def returns(stage: Stage, worker: Popen[bytes]) -> None:
    """Let a frozen worker go on, and tell that it drops what it had not begun."""
    worker.send_signal(signal.SIGCONT)
    eventually(lambda: TOLD in stage.fleet.log("first").read_text())


@pytest.mark.parametrize("pool", POOLS)
def test_a_task_that_ran_elsewhere_at_its_time_does_not_begin_on_its_first_workers_return(
    stage: Stage, pool: str
) -> None:
    first = stage.worker("first", "--concurrency=1", f"--pool={pool}")
    ids = stage.fleet.publish(LATER.format(seconds=4))
    eventually(lambda: held(stage))
    first.send_signal(signal.SIGSTOP)
    second = stage.worker("second")
    eventually(lambda: stage.finished(ids), RESTORED_S)

    returns(stage, first)

    # It has room again.
    second.kill()
    ids += send(stage.fleet, 1, seconds=0, queue=QUEUE)
    eventually(lambda: stage.finished(ids))
    eventually(stage.at_rest)
    assert stage.starts() == Counter(ids)


def test_a_task_that_another_worker_keeps_for_its_time_runs_there_alone(stage: Stage) -> None:
    first = stage.worker("first")
    ids = stage.fleet.publish(LATER.format(seconds=RESTORED_S))
    before = eventually(lambda: held(stage))
    first.send_signal(signal.SIGSTOP)
    stage.worker("second")
    eventually(lambda: held(stage) - before, RESTORED_S)

    returns(stage, first)

    eventually(lambda: stage.finished(ids), RESTORED_S)
    eventually(stage.at_rest)
    assert stage.starts() == Counter(ids)


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_what_waited_behind_a_running_task_does_not_begin_after_its_lease(
    stage: Stage, pool: str
) -> None:
    stage.prefetch = 2
    first = stage.worker("first", "--concurrency=1", f"--pool={pool}")
    ids = send(stage.fleet, 2, seconds=3, queue=QUEUE)
    eventually(lambda: stage.starts() and len(held(stage)) == 2)
    first.send_signal(signal.SIGSTOP)
    second = stage.worker("second", "--concurrency=2")
    eventually(lambda: stage.finished(ids), RESTORED_S)

    returns(stage, first)

    second.kill()
    ids += send(stage.fleet, 2, seconds=0, queue=QUEUE)
    eventually(lambda: stage.finished(ids))
    eventually(stage.at_rest)
    # The first one had begun, and may have run twice.
    assert [stage.starts()[each] for each in ids[1:]] == [1, 1, 1]


@pytest.mark.parametrize("pool", POOLS)
def test_a_task_waits_beyond_its_time_for_a_broker_that_does_not_answer(
    stage: Stage, pool: str
) -> None:
    stage.worker("first", "--concurrency=1", f"--pool={pool}")
    ids = stage.fleet.publish(LATER.format(seconds=VISIBILITY_S + 2))
    eventually(lambda: held(stage))
    endpoint = stage.fleet.broker.processes.started[-1]

    endpoint.send_signal(signal.SIGSTOP)
    try:
        time.sleep(VISIBILITY_S + 4)
        assert not stage.starts()
    finally:
        endpoint.send_signal(signal.SIGCONT)

    eventually(lambda: stage.finished(ids))
    eventually(stage.at_rest)
    assert stage.starts() == Counter(ids)
