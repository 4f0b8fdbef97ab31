"""What a task hands on as it ends, to a queue that is full: it came with an accepted message."""

from typing import Any

import pytest
import redis

from tests.rehearsal.worker_fleet import Fleet, eventually, result

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(180)]

QUEUE = "default"
MOST = 10
RUNS = 20 * MOST
BOMB = "tests.rehearsal.chain_bomb"
IGNITE = f"""
from worker_image.app import app
app.loader.import_default_modules()
import {BOMB}
print(app.send_task("{BOMB}.split", queue={QUEUE!r}))
"""
# Sends so that the queue is full as each predecessor ends, though nothing but this is sent:
# whoever ends before has a successor, too. Prints what is to complete, and last what is to fail.
SEND = f"""
from celery import chain, chord
from worker_image.app import app
from worker_image.room import QueueFullError
app.loader.import_default_modules()
work = app.tasks["worker_image.tasks.canary.work"]

def one(seconds=0, **options):
    return work.si(seconds=seconds).set(queue={QUEUE!r}, **options)

steps = chain(one(), one(), one()).apply_async()
linked = one(task_id="linked")
one(link=[linked, one(task_id="linked_too")]).apply_async()
failing = one(-1, link_error=[one(task_id="errback")]).apply_async()
joined = chord([one(link=[one(task_id="of_a_part")]), one()], one()).apply_async()
told = [steps, steps.parent, steps.parent.parent, joined, *joined.parent]
ids = [each.id for each in told] + ["linked", "linked_too", "errback", "of_a_part"]
for _ in range({MOST}):
    try:
        ids.append(one().apply_async().id)
    except QueueFullError:
        break
else:
    raise SystemExit("the queue has no bound")
print(*ids, failing.id)
"""


def bounded(told: dict[str, Any]) -> dict[str, Any]:
    told["queues"][QUEUE]["maxMessages"] = MOST
    return told


def test_what_tasks_hand_on_reaches_a_full_queue_and_they_end_as_they_did(fleet: Fleet) -> None:
    fleet.settings = bounded(fleet.settings)
    *ids, failing = fleet.publish(SEND)
    api = fleet.api()

    fleet.worker(QUEUE)

    ended = {task: result(api, task) for task in ids}
    told = {task: each.get("error") for task, each in ended.items()}
    assert {each["status"] for each in ended.values()} == {"completed"}, told
    failed = result(api, failing)
    assert failed["status"] == "failed"
    assert "QueueFullError" not in failed["error"], failed


def held(store: "redis.Redis") -> int:
    """What waits in the queue or is held by its worker, at one moment."""
    with store.pipeline(transaction=True) as pipe:
        pipe.llen(QUEUE)
        pipe.hlen(f"unacked:{QUEUE}")
        return sum(map(int, pipe.execute()))


def test_chains_that_a_task_goes_on_sending_stay_at_the_bound(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    fleet.settings = bounded(fleet.settings)
    fleet.publish(IGNITE)
    fleet.worker(QUEUE, "-I", BOMB)
    most = 0

    def ran() -> bool:
        nonlocal most
        most = max(most, held(store))
        with fleet.broker.client(1) as results:
            return int(results.dbsize()) >= RUNS

    eventually(ran)
    # A running task is still held as it hands one on.
    assert MOST <= most <= MOST + 1
