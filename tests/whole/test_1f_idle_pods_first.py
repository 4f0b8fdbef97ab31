"""A scale-in takes idle pods: the busy one stays, though it is the youngest."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.kubernetes import Object
from tests.whole.running_fleet import PATIENT, RunningFleet, until
from worker_image.pod_deletion_cost import ANNOTATION

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(360)]

SHORT_S, LONG_S = (80, 70), 75
"""The first two tasks end together, after the third has begun and long before it ends."""
APART_S = 36
# Above the HPA's period: at the scale-in every pod has told that it is idle.
WINDOW_S = 15


@pytest.fixture(scope="module")
def patient(running: RunningFleet) -> Iterator[RunningFleet]:
    """The fleet with a pod for each message of the queue, and time for it."""
    with running.edited(_reshape):
        yield running


def _reshape(config: dict[str, Any]) -> None:
    queue = config["celery-fleet:queues"][PATIENT]
    queue |= {"softTimeLimitSeconds": 140, "timeLimitSeconds": 150}
    # Short enough that each waiting message asks for a whole slot, long enough to rest at zero.
    queue["objective"] |= {"typicalSeconds": 20, "toleratedWaitSeconds": 30}
    config["celery-fleet:workers"][PATIENT] |= {
        "concurrency": 1,
        "maxReplicaCount": 3,
        "cooldownPeriod": WINDOW_S,
        "terminationGracePeriodSeconds": 170,
    }


def staying(running: RunningFleet) -> dict[str, Object]:
    """Metadata of the worker's pods that nobody has told to go, by name."""
    found = (pod["metadata"] for pod in running.pods(PATIENT))
    return {meta["name"]: meta for meta in found if "deletionTimestamp" not in meta}


def cost(meta: Object) -> str | None:
    told: str | None = meta.get("annotations", {}).get(ANNOTATION)
    return told


def age_s(meta: Object) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(meta["creationTimestamp"])).total_seconds()


def last_costs(running: RunningFleet, left: int) -> dict[str, str | None]:
    """What each pod told last, once so many are left."""
    costs: dict[str, str | None] = {}

    def look() -> dict[str, str | None] | None:
        pods = staying(running)
        costs.update({name: cost(meta) for name, meta in pods.items()})
        return costs if len(pods) == left else None

    return until(look, max(SHORT_S) + WINDOW_S + 30, f"{left} pods are left")


def test_idle_pods_go_and_the_busy_one_stays_though_it_is_the_youngest(
    patient: RunningFleet,
) -> None:
    def at_work(pods: int) -> None:
        until(lambda: patient.api.queues()[PATIENT].in_flight == pods or None, 30, f"{pods} work")

    patient.rest(PATIENT)
    before = patient.api.queues()[PATIENT]
    tasks = []
    for number, seconds in enumerate(SHORT_S, start=1):
        tasks.append(patient.canary(PATIENT, seconds))
        at_work(number)
    older = staying(patient)
    assert len(older) == 2
    # Without a cost the youngest goes first, where ages differ by a power of two.
    until(lambda: all(age_s(m) > APART_S for m in older.values()) or None, APART_S + 5, "age")
    tasks.append(patient.canary(PATIENT, LONG_S))
    at_work(3)
    (busy,) = staying(patient).keys() - older.keys()

    costs = last_costs(patient, left=1)

    assert list(staying(patient)) == [busy], costs
    assert costs == {busy: "1", **dict.fromkeys(older, "0")}
    assert patient.api.queues()[PATIENT].in_flight == 1
    for task in tasks:
        assert patient.result(task, LONG_S).status == "completed"
    assert patient.api.queues()[PATIENT].redelivered == before.redelivered
    patient.rest(PATIENT)
