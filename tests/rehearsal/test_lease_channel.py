"""How the transport hands out messages, on a real broker behind TLS."""

import json
from threading import Thread
from typing import Any

import pytest

from tests.rehearsal.lease_channels import HELD, Open, consume, drain, publish
from worker_image.malformed import letter_id

pytestmark = pytest.mark.rehearsal

NAMES = ("a", "b", "c")


SENT = [
    (queue, f"{queue}{number}", priority)
    for number, (queue, priority) in enumerate(
        [("a", 0), ("b", 9), ("a", 3), ("c", 0), ("a", 0), ("b", 0), ("c", 6), ("a", 9), ("b", 0)]
    )
]


@pytest.mark.parametrize("strategy", ["round_robin", "priority", "sorted"])
def test_order_and_priorities_are_those_of_stock_kombu(connect: Open, strategy: str) -> None:
    served = {}
    for delivery in ("stock", "lease"):
        connection = connect(delivery=delivery, queue_order_strategy=strategy)
        for queue, body, priority in SENT:
            publish(connection.default_channel, queue, body, priority)
        came = drain(connection, consume(connection, *NAMES), len(SENT))
        served[delivery] = [message.body.decode() for message in came]
        for message in came:
            message.ack()

    assert served["lease"] == served["stock"]
    assert len(set(served["lease"])) == len(SENT)


def test_a_message_is_held_by_the_servers_clock_from_its_fetch_to_its_ack(
    connect: Open, store: Any, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    connection = connect()
    tag = publish(connection.default_channel, "a")
    (message,) = drain(connection, consume(connection, "a"), 1)

    raw, exchange, routing_key = json.loads(store.hget(f"{prefix}{HELD}", tag))
    assert (raw["properties"]["delivery_tag"], exchange, routing_key) == (tag, "", "a")
    held_at = store.zscore(f"{prefix}{HELD}_index", tag)
    assert abs(store.time()[0] - held_at) < 2

    message.ack()
    assert store.exists(f"{prefix}{HELD}", f"{prefix}{HELD}_index", f"{prefix}a") == 0


def test_what_is_no_message_is_parked_and_the_next_one_served(
    connect: Open, store: Any, prefix: str
) -> None:
    connection = connect()
    store.lpush(f"{prefix}a", "{", '{"properties": {}}')
    tag = publish(connection.default_channel, "a")

    (message,) = drain(connection, consume(connection, "a"), 1)

    assert message.delivery_tag == tag
    assert store.hkeys(f"{prefix}fleet:dead:a") == [
        letter_id(item) for item in (b"{", b'{"properties": {}}')
    ]
    assert store.exists(f"{prefix}fleet:unreadable") == 0


def test_a_full_broker_still_hands_out_and_takes_back(connect: Open, store: Any) -> None:
    connection = connect()
    for _ in range(3):
        publish(connection.default_channel, "a")
    came = consume(connection, "a")
    store.config_set("maxmemory", 1)

    first, second, third = drain(connection, came, 3)
    first.ack()
    second.requeue()
    third.reject()

    assert len(drain(connection, came, 4)) == 4
    assert came[3].headers["redelivered"]


def test_a_server_that_forgot_the_script_is_told_it_again(connect: Open, store: Any) -> None:
    connection = connect()
    came = consume(connection, "a")
    publish(connection.default_channel, "a")
    drain(connection, came, 1)

    store.script_flush()
    publish(connection.default_channel, "a")

    assert len(drain(connection, came, 2)) == 2


def test_what_is_acknowledged_by_nobody_is_not_held(connect: Open, store: Any, prefix: str) -> None:
    connection = connect()
    publish(connection.default_channel, "a")

    drain(connection, consume(connection, "a", no_ack=True), 1)

    assert store.exists(f"{prefix}{HELD}", f"{prefix}a") == 0


def test_a_waiting_worker_is_woken_and_a_foreign_publisher_is_served_too(
    connect: Open, store: Any, prefix: str
) -> None:
    connection, publisher = connect(), connect()
    came = consume(connection, "a", "b")
    later = Thread(target=publish, args=(publisher.default_channel, "b"))
    with pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.7)

    later.start()
    drain(connection, came, 1)
    later.join()
    assert store.exists(f"{prefix}fleet:wake:b") == 0

    stock = connect(delivery="stock")
    publish(stock.default_channel, "a")
    assert store.exists(f"{prefix}fleet:wake:a") == 0
    assert len(drain(connection, came, 2)) == 2


def test_who_takes_one_of_several_wakes_the_next(connect: Open, store: Any, prefix: str) -> None:
    connection = connect()
    for queue, priority in (("a", 0), ("a", 9), ("b", 0)):
        publish(connection.default_channel, queue, priority=priority)
    wake = {name: f"{prefix}fleet:wake:{name}" for name in NAMES}
    store.delete(*wake.values())

    came = consume(connection, *NAMES)
    drain(connection, came, 1)
    assert [store.exists(wake[name]) for name in NAMES] == [1, 1, 0]

    store.delete(*wake.values())
    drain(connection, came, 3)
    assert [store.exists(wake[name]) for name in NAMES] == [1, 0, 0]


def test_a_reply_wakes_by_a_key_that_passes(connect: Open, store: Any, prefix: str) -> None:
    connection = connect()
    message = connection.default_channel.prepare_message("pong")
    message["properties"]["delivery_info"] = {"exchange": "reply", "routing_key": "r"}
    connection.default_channel._put("r.reply", message)

    assert 0 < store.pttl(f"{prefix}fleet:wake:r.reply") <= 60_000


def test_a_channel_that_waits_leaves_the_message_to_others_when_it_ends(
    connect: Open, store: Any, prefix: str
) -> None:
    connection = connect()
    consume(connection, "a")
    with pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.7)
    channel = connection.default_channel
    connection.transport.cycle.on_poll_start()
    assert channel._in_poll

    channel.end_poll()
    publish(connect().default_channel, "a")

    assert store.exists(f"{prefix}a", f"{prefix}fleet:wake:a") == 2
