"""How a worker lets go of messages without waiting for Redis."""

import time
from threading import Event, Timer
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery.worker import state

from worker_image import drain, worker_transport
from worker_image.worker_transport import QoS, Transport


class Connection:
    """Takes commands, and counts what it has answered."""

    def __init__(self) -> None:
        self.sent: list[list[tuple[str, ...]]] = []
        self.answers = 0
        self.hung_up = 0
        self.trouble: list[Exception] = []

    def pack_commands(self, commands: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        return commands

    def send_packed_command(self, commands: list[tuple[str, ...]]) -> None:
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


class Waited:
    """kombu's pipeline, whose answer is waited for."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.trouble: Exception | None = None

    def zrem(self, _key: str, tag: str) -> "Waited":
        if self.trouble:
            raise self.trouble
        self.removed.append(tag)
        return self

    def hdel(self, _key: str, _tag: str) -> "Waited":
        return self

    def execute(self) -> None:
        pass


@pytest.fixture
def connection() -> Connection:
    return Connection()


@pytest.fixture
def waited() -> Waited:
    return Waited()


@pytest.fixture
def qos(connection: Connection, waited: Waited, monkeypatch: pytest.MonkeyPatch) -> QoS:
    channel: Any = SimpleNamespace(
        global_keyprefix="p:",
        unacked_key="unacked:labeling",
        unacked_index_key="unacked:labeling_index",
        pool=SimpleNamespace(get_connection=lambda: connection),
        connection=SimpleNamespace(room=Event()),
    )
    made = QoS(channel)
    made._on_collect.cancel()
    monkeypatch.setattr(made, "_remove_from_indices", lambda tag: waited.zrem("", tag))
    return made


def test_an_acknowledgement_is_sent_at_once_and_answered_later(
    qos: QoS, connection: Connection
) -> None:
    qos.ack("1")

    told = [("HDEL", "p:unacked:labeling", "1"), ("ZREM", "p:unacked:labeling_index", "1")]
    assert connection.sent == [told]
    assert connection.answers == 0
    assert "1" in qos._dirty
    assert qos.channel.connection.room.is_set()

    qos.ack("2")
    assert connection.answers == 2
    qos.settle()
    qos.settle()
    assert connection.answers == 4


def test_an_acknowledgement_that_cannot_be_sent_is_waited_for(
    qos: QoS, connection: Connection, waited: Waited
) -> None:
    connection.trouble = [redis.ConnectionError("gone")]
    qos.ack("1")

    assert (waited.removed, connection.hung_up) == (["1"], 1)
    qos.settle()
    assert connection.answers == 0


def test_an_acknowledgement_without_an_answer_is_sent_again(
    qos: QoS, connection: Connection, waited: Waited
) -> None:
    qos.ack("1")
    connection.trouble = [redis.ConnectionError("gone")]
    qos.ack("2")

    assert (waited.removed, connection.hung_up) == (["1"], 1)
    assert [commands[0][2] for commands in connection.sent] == ["1", "2"]


def test_an_acknowledgement_that_is_lost_is_told_and_stops_nothing(
    qos: QoS, connection: Connection, waited: Waited, caplog: pytest.LogCaptureFixture
) -> None:
    qos.ack("1")
    connection.trouble = [redis.ConnectionError("gone")]
    waited.trouble = redis.ConnectionError("still gone")
    qos.settle()

    assert "its message comes again: still gone" in caplog.text


def test_a_worker_that_drains_gives_back_nothing_that_it_acknowledged(
    qos: QoS, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[int] = []
    monkeypatch.setattr(qos, "restore_by_tag", lambda _tag: answered.append(connection.answers))
    monkeypatch.setattr(state, "should_stop", 0)
    consumer = SimpleNamespace(
        task_consumer=SimpleNamespace(channel=SimpleNamespace(qos=qos, _in_poll=None))
    )
    qos._delivered["held"] = None
    qos.ack("ended")

    drain.GiveBack(consumer).stop(consumer)

    # Redis has let go of the ended one before any other is looked up and put back.
    assert answered == [2]


def test_a_channel_keeps_one_client_and_closes_after_the_last_answer(
    qos: QoS, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Transport.Channel.__mro__[1]
    closed: list[int] = []
    monkeypatch.setattr(parent, "close", lambda _self: closed.append(connection.answers))
    monkeypatch.setattr(
        parent, "_create_client", lambda self: SimpleNamespace(connection_pool=self.pool)
    )
    channel: Any = Transport.Channel.__new__(Transport.Channel)
    channel._pool, channel._qos = object(), qos
    qos.ack("1")

    assert channel._create_client() is channel._create_client()
    channel.close()
    assert closed == [2]


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
    monkeypatch.setattr(worker_transport, "_LOOK_S", 30.0)

    def ends() -> None:
        transport.full.clear()
        transport.room.set()

    Timer(0.05, ends).start()
    started = time.monotonic()
    transport.drain_events(None, timeout=2.0)

    assert waited_s == [2.0]
    assert time.monotonic() - started < 5
