"""Leases while the broker answers and while it does not, and what a lost connection leaves."""

import time

import pytest

from tests.unit.lease_stage import Clock, Server, lease_on, until


@pytest.fixture
def server() -> Server:
    return Server()


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
