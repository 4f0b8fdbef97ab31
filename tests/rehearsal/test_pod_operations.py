"""How a worker ends: what it gives back, and when, on a real broker."""

import signal
import time

import pytest
import redis

from tests.rehearsal.broker_contents import waiting_ids
from tests.rehearsal.worker_fleet import Broker, Fleet, eventually

pytestmark = pytest.mark.rehearsal

SEND = """
from worker_image.app import app
app.loader.import_default_modules()
for seconds, countdown in {tasks}:
    work = "worker_image.tasks.canary.work"
    print(app.send_task(work, kwargs={{"seconds": seconds}}, countdown=countdown))
"""


def waiting_and_held(broker: Broker) -> tuple[int, int]:
    with broker.client() as client:
        return int(client.llen("default")), int(client.hlen("unacked:default"))


def send(fleet: Fleet, *tasks: tuple[float, float | None]) -> list[str]:
    """Send tasks of so many seconds, each with its countdown; their ids."""
    return fleet.publish(SEND.format(tasks=list(tasks)))


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_sigterm_gives_back_what_has_not_begun_at_once_and_in_order(
    fleet: Fleet, store: "redis.Redis", pool: str
) -> None:
    fleet.settings["workers"]["default"]["prefetchMultiplier"] = 4
    worker = fleet.launch(
        "default",
        *("--queues=default", "--concurrency=1", "--prefetch-multiplier=4", "-O", "fair"),
        *(f"--pool={pool}", "--without-gossip", "--without-mingle"),
    )
    eventually(fleet.heartbeat("default").exists)
    (far,) = send(fleet, (0, 3600))
    running, *others = send(fleet, *[(6, None)] * 6)
    eventually(lambda: waiting_and_held(fleet.broker) == (2, 5))  # one runs, one has an ETA
    eventually(lambda: _runs(fleet, running))

    worker.send_signal(signal.SIGTERM)
    eventually(lambda: waiting_and_held(fleet.broker) == (6, 1), within_s=2.5)

    assert worker.poll() is None  # its task still runs
    assert [each for each in waiting_ids(store) if each != far] == others
    assert worker.wait(timeout=15) == 0
    assert waiting_and_held(fleet.broker) == (6, 0)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_task_that_outlasts_the_grace_is_handed_back_before_the_worker_is_killed(
    fleet: Fleet, pool: str
) -> None:
    worker = fleet.launch(
        "default",
        *("--queues=default", "--concurrency=1", f"--pool={pool}", "--without-mingle"),
        FLEET_GRACE_SECONDS="8",
    )
    eventually(fleet.heartbeat("default").exists)
    (stuck,) = send(fleet, (60, None))
    eventually(lambda: _runs(fleet, stuck))

    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=20)

    # A shell's kubelet would have sent SIGKILL at 8 s, and the message waited an hour.
    assert 5 < time.monotonic() - started < 8 + 2
    assert waiting_and_held(fleet.broker) == (1, 0)
    with fleet.broker.client(1) as results:
        assert results.get(f"celery-task-meta-{stuck}") is None


def _runs(fleet: Fleet, task: str) -> bool:
    """Whether a task has begun, not only been received."""
    with fleet.broker.client() as client:
        held = client.hlen("unacked:default")
    log = fleet.log("default").read_text()
    return bool(held) and f"{task}] received" in log
