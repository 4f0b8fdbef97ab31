"""How a worker lets go of messages without waiting for Redis."""

import time
from collections.abc import Sequence
from threading import Event, Timer
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from worker_image.transport import slots
from worker_image.transport.acks import Acks
from worker_image.transport.settle import InFlight
from worker_image.transport.slots import SlotTransport as Transport

Commands = Sequence[tuple[str, ...]]


class Connection:
    """Takes commands, and counts what it has answered."""

    def __init__(self) -> None:
        self.sent: list[Commands] = []
        self.answers = 0
        self.hung_up = 0
        self.trouble: list[Exception] = []

    def pack_commands(self, commands: Commands) -> Commands:
        return commands

    def send_packed_command(self, commands: Commands) -> None:
        self._may_fail()
        self.sent.append(commands)

    def read_response(self) -> int:
        self._may_fail()
        self.answers += 1
        return 1

    def disconnect(self) -> None:
        self.hung_up += 1

    def _may_fail(self) -> None:
        if self.trouble:
            raise self.trouble.pop()


@pytest.fixture
def connection() -> Connection:
    return Connection()


class Told:
    """What acknowledgements came to."""

    def __init__(self, connection: Connection) -> None:
        self.done: list[str] = []
        self.lost: list[str] = []
        pool: Any = SimpleNamespace(get_connection=lambda: connection)
        client: Any = None
        server = InFlight(client, "p:held", "p:held_index")
        self.acks = Acks(pool, server.removal, self.done.append, self.lost.append)


@pytest.fixture
def told(connection: Connection) -> Told:
    return Told(connection)


def test_an_acknowledgement_is_sent_at_once_and_answered_later(
    told: Told, connection: Connection
) -> None:
    told.acks.send("1")

    assert connection.sent == [(("HDEL", "p:held", "1"), ("ZREM", "p:held_index", "1"))]
    assert (connection.answers, told.done) == (0, [])

    told.acks.send("2")
    assert (connection.answers, told.done) == (2, ["1"])
    told.acks.settle()
    told.acks.settle()
    assert (connection.answers, told.done, told.lost) == (4, ["1", "2"], [])


def test_an_acknowledgement_that_cannot_be_sent_is_lost(told: Told, connection: Connection) -> None:
    connection.trouble = [redis.ConnectionError("gone")]
    told.acks.send("1")

    assert (told.lost, connection.hung_up) == (["1"], 1)
    told.acks.settle()
    assert (connection.answers, told.done) == (0, [])


def test_an_acknowledgement_without_an_answer_is_lost_and_the_next_one_is_sent(
    told: Told, connection: Connection
) -> None:
    told.acks.send("1")
    connection.trouble = [redis.ConnectionError("gone")]
    told.acks.send("2")

    assert (told.lost, connection.hung_up) == (["1"], 1)
    assert [commands[0][2] for commands in connection.sent] == ["1", "2"]


def test_a_channel_that_closes_waits_for_no_answer(told: Told, connection: Connection) -> None:
    told.acks.send("1")
    told.acks.hang_up()
    told.acks.hang_up()

    assert (told.lost, connection.answers) == (["1"], 0)


@pytest.fixture
def full_transport(monkeypatch: pytest.MonkeyPatch) -> tuple[Transport, list[float | None]]:
    """A transport whose only slot is taken; the time each wait for messages may last."""
    waited_s: list[float | None] = []
    parent = Transport.__mro__[1]
    monkeypatch.setattr(
        parent, "drain_events", lambda _self, _connection, timeout: waited_s.append(timeout)
    )
    made: Any = Transport.__new__(Transport)
    made.room, full = Event(), Event()
    full.set()
    channel = SimpleNamespace(
        active_queues={"labeling"}, qos=SimpleNamespace(can_consume=lambda: not full.is_set())
    )
    made.cycle, made.full = SimpleNamespace(_channels=[channel]), full
    return made, waited_s


def test_a_full_worker_looks_at_other_news_only_for_a_moment(
    full_transport: tuple[Any, list[float | None]],
) -> None:
    transport, waited_s = full_transport
    transport.drain_events(None, timeout=2.0)

    assert waited_s == [0.001]


def test_a_full_worker_asks_for_messages_as_soon_as_a_task_has_ended(
    full_transport: tuple[Any, list[float | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, waited_s = full_transport
    monkeypatch.setattr(slots, "_LOOK_S", 30.0)

    def ends() -> None:
        transport.full.clear()
        transport.room.set()

    Timer(0.05, ends).start()
    started = time.monotonic()
    transport.drain_events(None, timeout=2.0)

    assert waited_s == [2.0]
    assert time.monotonic() - started < 5
