"""What has begun, or waits, is carried over a lost connection."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.pool import ApplyResult
from celery.worker import state

from tests.unit.lease_stage import Request
from worker_image import leases
from worker_image.carried import Carried


def request(tag: str, job: Any = None) -> Any:
    submitted = None if job is None else lambda: job
    message = SimpleNamespace(delivery_tag=tag)
    return Request(id=tag, message=message, _apply_result=submitted)


@pytest.fixture
def requests() -> Iterator[dict[str, Any]]:
    """What Celery knows: one that waits, one that a process has, one that runs."""
    cache: dict[int, Any] = {}
    made = {name: request(name, ApplyResult(cache, None)) for name in ("waits", "handed", "runs")}
    made["handed"]._apply_result()._write_to = "process"
    made["handed"]._apply_result()._scheduled_for = "process"
    for each in made.values():
        state.task_reserved(each)
    state.active_requests.add(made["runs"])
    yield made
    state.reset_state()


def test_what_has_begun_is_carried_over_a_lost_connection(requests: dict[str, Any]) -> None:
    jobs = {name: each._apply_result() for name, each in requests.items()}
    cache = jobs["runs"]._cache
    carried = Carried(None)

    def forget() -> None:
        """As `AsynPool.flush` and `Consumer.on_close` do."""
        jobs["handed"].discard()
        for name in ("waits", "handed"):
            state.requests.pop(name)
        state.reserved_requests.clear()

    carried.around(forget)

    assert carried.tags == {"handed", "runs"}
    assert set(cache.values()) == {jobs["handed"], jobs["runs"]}
    assert set(state.requests) == {"handed", "runs"}
    assert requests["handed"] in state.reserved_requests


def test_a_job_that_ended_meanwhile_is_not_waited_for_again(requests: dict[str, Any]) -> None:
    job = requests["runs"]._apply_result()
    job._accepted = True
    carried = Carried(None)
    job._set(None, (True, "result"))

    carried.around(lambda: None)

    assert job not in job._cache.values()


def test_rate_limited_tasks_are_known_too(requests: dict[str, Any]) -> None:
    bucket = SimpleNamespace(contents=[(request("limited"), 1)])
    consumer = SimpleNamespace(task_buckets={"a": None, "b": bucket})

    assert leases.known_tags(consumer) == {*requests, "limited"}
