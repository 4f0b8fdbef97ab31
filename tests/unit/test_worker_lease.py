"""Leases while the broker answers and while it does not, and what a lost connection leaves."""

import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from billiard.pool import ApplyResult
from celery.worker import state

from worker_image import leases
from worker_image.carried import Carried
from worker_image.transport.lease import Lease


class Server:
    """Stands in for what is in flight; it is away for as many calls as a test wants."""

    def __init__(self) -> None:
        self.away = 0
        self.renewed: list[set[str]] = []
        self.told: list[tuple[str, tuple[object, ...]]] = []
        self.gone: set[str] = set()
        self.broken = 0
        self.answers: Callable[[], object] = lambda: None
        """Called as it answers."""
        self.client = SimpleNamespace(
            connection_pool=SimpleNamespace(disconnect=self._disconnected)
        )

    def renew(self, tags: Sequence[str]) -> set[str]:
        self._answer()
        self.answers()
        self.renewed.append(set(tags))
        return self.gone

    def settle(self, tag: str, words: Sequence[object]) -> bool:
        self._answer()
        self.told.append((tag, tuple(words)))
        return True

    def remove(self, tag: str) -> None:
        self._answer()
        self.told.append((tag, ()))

    def _answer(self) -> None:
        if self.away:
            self.away -= 1
            raise redis.ConnectionError("refused")

    def _disconnected(self) -> None:
        self.broken += 1


@pytest.fixture
def server() -> Server:
    return Server()


def lease_on(server: Any, visibility_s: float = 0.2, **options: Any) -> Lease:
    return Lease(server, visibility_s, **options)


def until(look: Any, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_lease_is_renewed_again_and_again_while_the_main_thread_does_other_things(
    server: Server,
) -> None:
    lease = lease_on(server)
    lease.hold("1", "message", time.monotonic())
    lease.start()
    until(lambda: len(server.renewed) >= 3)
    lease.release("1")
    lease.stop()

    assert server.renewed[:3] == [{"1"}] * 3


def test_after_an_outage_leases_are_renewed_at_once_on_a_new_connection(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    lease = lease_on(server)
    lease.hold("1", "message", time.monotonic())
    server.away = 3
    lease.start()
    until(lambda: server.renewed)
    lease.stop()

    assert server.broken == 3
    assert caplog.text.count("leases not renewed") == 1


def test_what_cannot_be_settled_is_tried_until_it_is_and_keeps_its_lease(server: Server) -> None:
    lease = lease_on(server)
    lease.hold("1", "message", time.monotonic())
    server.away = 2
    lease.settle_later("1", ["words"])
    lease.settle_later("2", [])
    assert lease.unsettled == {}
    lease.start()
    lease.stop()

    assert server.told == [("1", ("words",)), ("2", ())]
    assert lease._held == {}


def test_what_nothing_will_settle_any_more_is_left_to_the_visibility_timeout(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    lease = lease_on(server, wanted=lambda: {"runs"})
    for tag in ("runs", "orphan", "ends"):
        lease.hold(tag, "message", time.monotonic())
    lease.settling("ends")
    lease.renew()
    time.sleep(0.06)
    lease.hold("fresh", "message", time.monotonic())

    lease.renew()

    assert server.renewed == [{"runs", "orphan", "ends"}, {"runs", "ends", "fresh"}]
    assert "orphan" in caplog.text


def test_a_lost_lease_is_told_unless_the_message_has_just_ended(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    lease = lease_on(server)
    lease.hold("1", "message", time.monotonic())
    server.gone = {"1"}
    lease.renew()
    assert "lease lost on 1 messages" in caplog.text

    caplog.clear()
    lease.settling("1")
    lease.renew()
    assert caplog.text == ""


class Clock:
    """The monotonic clock of leases, set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("worker_image.transport.lease.monotonic", clock)
    return clock


def test_a_lease_is_sure_until_a_quarter_of_the_visibility_timeout_is_left(
    server: Server, clock: Clock
) -> None:
    lease = lease_on(server, 8)
    lease.hold("1", "message", clock.now_s)
    seen = []
    for _ in range(3):
        for at_s in (0.0, 5.9, 0.2):
            clock.now_s += at_s
            seen.append(lease.is_sure("1"))
        lease.renew()

    assert seen == [True, True, False] * 3
    assert not lease.is_lost("1")
    assert (lease.is_sure("unknown"), lease.is_lost("unknown")) == (False, True)


def test_the_time_that_a_fetch_or_a_renewal_waited_for_its_answer_counts(
    server: Server, clock: Clock
) -> None:
    lease = lease_on(server, 8)
    lease.hold("1", "message", clock.now_s - 7)
    assert not lease.is_sure("1")

    server.answers = lambda: setattr(clock, "now_s", clock.now_s + 7)
    lease.renew()

    assert not lease.is_sure("1")


def test_a_lost_lease_is_not_sure_however_lately_the_server_was_asked(server: Server) -> None:
    told: list[set[str]] = []
    lease = lease_on(server, 8, renewed=told.append)
    for tag in ("1", "2"):
        lease.hold(tag, "message", time.monotonic())
    server.gone = {"1"}

    lease.renew()

    assert [(lease.is_sure(tag), lease.is_lost(tag)) for tag in "12"] == [(0, 1), (1, 0)]
    assert told == [{"1"}]


def test_who_asks_has_the_leases_renewed_at_once_or_when_the_broker_is_back(
    server: Server,
) -> None:
    lease = lease_on(server, 60)
    lease.hold("1", "message", time.monotonic())
    lease.start()
    assert not server.renewed

    lease.ask()
    until(lambda: len(server.renewed) == 1)
    server.away = 2
    lease.ask()
    until(lambda: len(server.renewed) == 2)
    lease.stop()

    assert server.broken == 2


class Request(SimpleNamespace):
    """Celery's, as far as it is used; hashed as itself, as the sets of requests want."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a namespace has none


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
