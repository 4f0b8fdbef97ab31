"""What is counted of a task's end, and that counting never costs the task."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import Reject

from tests.unit.worker_stage import load
from worker_image.stats import PROBE, PUBLISHED_AT, Recorder, StatsStore, TaskEnd

TASK = "worker_image.tasks.canary.work"


class Store(StatsStore):
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.ends: list[TaskEnd] = []

    def record(self, *ends: TaskEnd) -> None:
        self.ends.extend(ends)


class Pipelines:
    """A client that answers pipelines, and keeps what each was asked."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[Any, ...]]] = []
        self._keys: set[str] = set()

    def pipeline(self, **_: Any) -> "Pipelines":
        self.asked.append([])
        return self

    def __enter__(self) -> "Pipelines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def set(self, key: str, *_: object, **__: object) -> None:
        self.asked[-1].append(("set", key))

    def execute(self) -> list[bool]:
        told = []
        for name, key, *_ in self.asked[-1]:
            told.append(name != "set" or key not in self._keys)
            self._keys.add(key)
        return told

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.asked[-1].append((name, *arguments))

    def counted(self, key: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, *arguments in (command for each in self.asked for command in each):
            if name == "hincrby" and arguments[0] == key:
                found[arguments[1]] = found.get(arguments[1], 0) + arguments[2]
        return found


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def recorder(store: Store) -> Recorder:
    return Recorder(store.record)


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
    recorder.on_end("1", SimpleNamespace(request=told, name=TASK), state)


class Received:
    """Weakly referenced, as the main process's request is."""

    id = "1"
    name = TASK

    def __init__(self, time_start: float | None = None) -> None:
        self.request_dict = vars(request())
        self.time_start = time_start


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

    (end,) = store.ends
    assert (end.redelivered, end.wait_s) == (True, None)


def test_an_operators_probe_is_counted_and_its_wait_is_not(
    recorder: Recorder, store: Store
) -> None:
    recorder.on_start("1")
    recorder.on_end("1", SimpleNamespace(request=request(), name=PROBE), "SUCCESS")

    (end,) = store.ends
    assert (end.task, end.state, end.wait_s) == (PROBE, "SUCCESS", None)


def test_a_message_of_another_publisher_has_no_wait(recorder: Recorder, store: Store) -> None:
    told = request()
    delattr(told, PUBLISHED_AT)
    run(recorder, told)

    assert store.ends[0].wait_s is None


def test_a_message_is_stamped_when_it_is_published(recorder: Recorder) -> None:
    headers: dict[str, Any] = {}
    recorder.on_publish(headers)

    assert headers[PUBLISHED_AT] == pytest.approx(time.time(), abs=1)


def test_a_run_is_told_with_its_task_and_its_time(recorder: Recorder, store: Store) -> None:
    recorder.on_start("1")
    time.sleep(0.05)
    recorder.on_end("1", SimpleNamespace(request=request(), name=TASK), "RETRY")

    (end,) = store.ends
    assert (end.task, end.state) == (TASK, "RETRY")
    assert end.run_s == pytest.approx(0.05, abs=0.04)


def test_a_task_killed_at_its_limit_is_counted_by_the_main_process(
    recorder: Recorder, store: Store
) -> None:
    received = Received(time_start=time.time() - 2)
    recorder.on_receive(received)
    recorder.on_failure("1")
    recorder.on_failure("1")
    recorder.on_failure("unheard-of")

    (end,) = store.ends
    assert (end.task_id, end.queue, end.task, end.state) == ("1", "labeling", TASK, "FAILURE")
    assert end.wait_s == pytest.approx(3, abs=0.5)
    assert end.run_s == pytest.approx(2, abs=0.5)


def test_a_task_lost_before_it_started_has_neither_wait_nor_run(
    recorder: Recorder, store: Store
) -> None:
    received = Received()
    recorder.on_receive(received)
    recorder.on_failure("1")

    assert (store.ends[0].wait_s, store.ends[0].run_s) == (None, None)


def test_a_message_that_was_parked_is_told_by_the_process_that_parked_it(
    recorder: Recorder, store: Store
) -> None:
    received = Received()
    recorder.on_receive(received)
    recorder.on_failure("1", exception=Reject("delivered 5 times"))

    assert store.ends == []


def test_a_failure_in_the_same_process_is_counted_once(recorder: Recorder, store: Store) -> None:
    received = Received()
    recorder.on_receive(received)
    recorder.on_start("1")
    recorder.on_failure("1")
    recorder.on_end("1", SimpleNamespace(request=request(), name=TASK), "FAILURE")

    assert len(store.ends) == 1


def ended(task_id: str, state: str = "SUCCESS", **changes: Any) -> TaskEnd:
    told = {"queue": "labeling", "redelivered": False, "wait_s": 0.1, **changes}
    return TaskEnd(task_id, state=state, **told)


def test_ends_are_written_together() -> None:
    client: Any = Pipelines()
    ends = [ended(str(number), wait_s=number) for number in range(3)]
    ends += [ended("retried", "RETRY", wait_s=None), ended("again", redelivered=True, wait_s=None)]
    StatsStore(client, "p:").record(*ends, ended("elsewhere", "REJECTED", queue="training"))

    assert len(client.asked) == 1
    assert client.counted("p:fleet:stats:labeling") == {"done": 4, "redelivered": 1}
    assert client.counted("p:fleet:stats:training") == {"failed": 1}
    assert ("lpush", "p:fleet:waits:labeling", "0.000", "1.000", "2.000") in client.asked[0]
    assert ("ltrim", "p:fleet:waits:labeling", 0, 999) in client.asked[0]


def test_a_failure_that_two_processes_tell_of_is_counted_once() -> None:
    client: Any = Pipelines()
    store = StatsStore(client, "p:")
    store.record(ended("1", "FAILURE"), ended("2"), ended("1", "FAILURE"))
    store.record(ended("1", "FAILURE"), ended("3", "FAILURE"))

    assert client.counted("p:fleet:stats:labeling") == {"done": 1, "failed": 2}


def test_a_broker_that_is_away_costs_one_warning_and_no_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = StatsStore.of(load(tmp_path))
    end = TaskEnd("1", "labeling", "SUCCESS", redelivered=False, wait_s=0.1)

    for _ in range(3):
        store.record(end)

    assert caplog.text.count("statistics pause for 10 s") == 1
