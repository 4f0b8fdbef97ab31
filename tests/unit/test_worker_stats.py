"""What is counted of a task's end, and that counting never costs the task."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.worker_stage import load
from worker_image.stats import PUBLISHED_AT, Recorder, StatsStore, TaskEnd


class Store(StatsStore):
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.ends: list[TaskEnd] = []

    def record(self, end: TaskEnd) -> None:
        self.ends.append(end)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def recorder(store: Store) -> Recorder:
    return Recorder(store)


def request(**changes: Any) -> Any:
    told = {
        "id": "1",
        "delivery_info": {"routing_key": "labeling", "redelivered": False},
        "eta": None,
        PUBLISHED_AT: time.time() - 5,
    }
    return SimpleNamespace(**{**told, **changes})


def run(recorder: Recorder, told: Any, state: str = "SUCCESS") -> None:
    recorder.on_start("1")
    recorder.on_end("1", SimpleNamespace(request=told), state)


def test_the_wait_runs_from_publishing_to_the_start(recorder: Recorder, store: Store) -> None:
    run(recorder, request())

    (end,) = store.ends
    assert (end.queue, end.state, end.redelivered) == ("labeling", "SUCCESS", False)
    assert end.wait_s == pytest.approx(5, abs=0.5)


def test_a_task_with_an_eta_waits_from_then_on(recorder: Recorder, store: Store) -> None:
    run(recorder, request(eta="2999-01-01T00:00:00+00:00"))
    run(recorder, request(**{PUBLISHED_AT: time.time() + 60}))

    assert [end.wait_s for end in store.ends] == [0.0, 0.0]


def test_a_second_delivery_counts_as_such_and_has_no_wait(recorder: Recorder, store: Store) -> None:
    run(recorder, request(delivery_info={"routing_key": "labeling", "redelivered": True}))

    assert store.ends == [TaskEnd("1", "labeling", "SUCCESS", redelivered=True, wait_s=None)]


def test_a_message_of_another_publisher_has_no_wait(recorder: Recorder, store: Store) -> None:
    told = request()
    delattr(told, PUBLISHED_AT)
    run(recorder, told)

    assert store.ends[0].wait_s is None


def test_a_message_is_stamped_when_it_is_published(recorder: Recorder) -> None:
    headers: dict[str, Any] = {}
    recorder.on_publish(headers)

    assert headers[PUBLISHED_AT] == pytest.approx(time.time(), abs=1)


def test_a_task_killed_at_its_limit_is_counted_by_the_main_process(
    recorder: Recorder, store: Store
) -> None:
    class Received(SimpleNamespace):
        """Weakly referenced, as Celery's Request."""

    received = Received(**vars(request()))
    recorder.on_receive(received)
    recorder.on_failure("1")
    recorder.on_failure("1")
    recorder.on_failure("unheard-of")

    assert store.ends == [TaskEnd("1", "labeling", "FAILURE", redelivered=False, wait_s=None)]


def test_a_failure_in_the_same_process_is_counted_once(recorder: Recorder, store: Store) -> None:
    class Received(SimpleNamespace):
        """Weakly referenced, as Celery's Request."""

    received = Received(**vars(request()))
    recorder.on_receive(received)
    recorder.on_start("1")
    recorder.on_failure("1")
    recorder.on_end("1", SimpleNamespace(request=request()), "FAILURE")

    assert len(store.ends) == 1


def test_a_broker_that_is_away_costs_one_warning_and_no_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = StatsStore.of(load(tmp_path))
    end = TaskEnd("1", "labeling", "SUCCESS", redelivered=False, wait_s=0.1)

    for _ in range(3):
        store.record(end)

    assert caplog.text.count("statistics pause for 10 s") == 1
