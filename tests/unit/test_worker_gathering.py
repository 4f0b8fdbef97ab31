"""When the ends of tasks are told, and by which process."""

import os
import time
from collections.abc import Callable

import pytest
from celery import signals

from worker_image.gathering import Gathering
from worker_image.stats import TaskEnd


class Told:
    """What a sink was told, call by call."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, *ends: TaskEnd) -> None:
        self.calls.append([end.task_id for end in ends])


def end(task_id: str) -> TaskEnd:
    return TaskEnd(task_id, "labeling", "SUCCESS", redelivered=False, wait_s=0.1)


def in_child(deed: Callable[[], bool]) -> bool:
    """Run something in a forked process; whether it was as it should be."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if deed() else 1)
    return os.waitpid(pid, 0)[1] == 0


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def unattended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no thread tell anything; what is told is told by `flush`."""
    monkeypatch.setattr(Gathering, "_tell_for_ever", lambda _self: None)


def test_an_end_is_told_at_once_and_those_that_follow_it_together(told: Told) -> None:
    gathering = Gathering(told, every_s=0.3)
    gathering.add(end("1"))
    time.sleep(0.1)
    assert told.calls == [["1"]]

    for task_id in "234":
        gathering.add(end(task_id))
    time.sleep(0.05)
    assert told.calls == [["1"]]
    time.sleep(0.4)
    assert told.calls == [["1"], ["2", "3", "4"]]


@pytest.mark.usefixtures("unattended")
def test_a_process_that_ends_tells_the_rest_once(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (signals.worker_process_shutdown, signals.worker_shutdown):
        monkeypatch.setattr(each, "receivers", [])
        monkeypatch.setattr(each, "sender_receivers_cache", {})
    gathering = Gathering(told)
    gathering.connect()
    gathering.add(end("1"))

    signals.worker_process_shutdown.send(sender=None)
    signals.worker_shutdown.send(sender=None)

    assert told.calls == [["1"]]


@pytest.mark.usefixtures("unattended")
def test_a_child_tells_its_own_ends_and_not_its_parents(told: Told) -> None:
    gathering = Gathering(told)
    gathering.add(end("of the parent"))

    def ends_a_task() -> bool:
        gathering.flush()
        gathering.add(end("of the child"))
        gathering.flush()
        return told.calls == [["of the child"]]

    assert in_child(ends_a_task)
    gathering.flush()
    assert told.calls == [["of the parent"]]


@pytest.mark.usefixtures("unattended")
def test_a_child_forked_while_its_parent_tells_is_not_held_up(told: Told) -> None:
    gathering = Gathering(lambda *_: seen.append(in_child(ends_a_task)))
    seen: list[bool] = []

    def ends_a_task() -> bool:
        gathering._sinks = (told,)
        gathering.add(end("of the child"))
        gathering.flush()
        return told.calls == [["of the child"]]

    gathering.add(end("of the parent"))
    gathering.flush()

    assert seen == [True]


@pytest.mark.usefixtures("unattended")
def test_a_sink_that_fails_keeps_nothing_from_the_next(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: TaskEnd) -> None:
        raise TypeError("a mistake")

    gathering = Gathering(fails, told)
    gathering.add(end("1"))
    gathering.flush()

    assert told.calls == [["1"]]
    assert "1 ends of tasks not told" in caplog.text
