"""How the transport holds messages and puts them back, on a real broker behind TLS."""

import json
import time
from threading import Thread
from typing import Any

import pytest

from infra.manifests.aws import access_strings
from tests.rehearsal.lease_channels import (
    HELD,
    Open,
    bodies,
    consume,
    drain,
    hold,
    leased,
    publish,
)
from tests.rehearsal.worker_fleet import eventually
from worker_image.leases import unsupported

pytestmark = pytest.mark.rehearsal


def test_what_nobody_renews_is_put_back_once_and_in_its_order(
    connect: Open, store: Any, prefix: str
) -> None:
    _, came = hold(connect, 3, visibility_timeout=60)
    publish(connect().default_channel, "a", "waiting")
    for number, message in enumerate(came):
        store.zadd(f"{prefix}{HELD}_index", {message.delivery_tag: number + 1})
    kept = came[1].delivery_tag
    store.zadd(f"{prefix}{HELD}_index", {kept: store.time()[0] - 50})
    store.zadd(f"{prefix}{HELD}_index", {"of nothing": 1})

    sweepers = [connect(visibility_timeout=60).default_channel.qos for _ in range(4)]
    for qos in sweepers:
        qos._opened_at -= 60
    threads = [Thread(target=qos.restore_visible) for qos in sweepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    encoded = bodies(store, f"{prefix}a")
    plain = [message._raw["body"] for message in (came[0], came[2])]
    assert encoded[:2] == plain
    assert len(encoded) == 3
    assert store.hkeys(f"{prefix}{HELD}") == [kept]
    assert store.zrange(f"{prefix}{HELD}_index", 0, -1) == [kept]
    first = json.loads(store.lrange(f"{prefix}a", -1, -1)[0])
    assert first["headers"]["redelivered"]
    # Who held it finds its own delivery gone, though another worker holds the message again.
    assert first["properties"]["delivery_tag"] not in {message.delivery_tag for message in came}


def test_a_worker_that_has_just_connected_puts_nothing_back(
    connect: Open, store: Any, prefix: str
) -> None:
    """After an outage everything looks abandoned until its worker is connected again too."""
    _, (message,) = hold(connect, 1, visibility_timeout=60)
    store.zadd(f"{prefix}{HELD}_index", {message.delivery_tag: 1})

    connect(visibility_timeout=60).default_channel.qos.restore_visible()

    assert store.hlen(f"{prefix}{HELD}") == 1


def test_a_lease_renews_what_is_held_and_nothing_else(
    connect: Open, store: Any, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect()
    lease = leased(connection)
    for _ in range(3):
        publish(connection.default_channel, "a")
    first, ended, lost = drain(connection, consume(connection, "a"), 3)
    index = f"{prefix}{HELD}_index"
    store.zadd(index, {first.delivery_tag: 1, "another's": 1})
    store.zrem(index, lost.delivery_tag)
    ended.ack()

    lease.renew()

    scores = dict(store.zrange(index, 0, -1, withscores=True))
    assert scores.keys() == {first.delivery_tag, "another's"}
    assert scores["another's"] == 1
    assert store.time()[0] - scores[first.delivery_tag] < 2
    assert "lease lost on 1 messages" in caplog.text


def test_the_clouds_login_for_the_fleet_may_do_all_of_it(
    connect: Open, store: Any, prefix: str
) -> None:
    store.execute_command(
        "ACL", "SETUSER", "fleet", "reset", ">p", *access_strings.fleet(prefix).split()
    )
    connection = connect(userid="fleet", password="p", visibility_timeout=0)
    assert not unsupported(connection.default_channel.held.client)
    lease = leased(connection)
    for _ in range(3):
        publish(connection.default_channel, "a")
    first, second, _ = drain(connection, consume(connection, "a"), 3)

    lease.renew()
    first.ack()
    second.requeue()
    connection.default_channel.qos.restore_visible()

    assert store.llen(f"{prefix}a") == 2
    assert store.exists(f"{prefix}{HELD}") == 0


def test_a_lease_is_as_old_as_the_fetch_however_late_its_answer_is_read(
    connect: Open, store: Any, prefix: str
) -> None:
    connection = connect()
    lease = leased(connection)
    tag = publish(connection.default_channel, "a")
    came = consume(connection, "a")
    connection.transport.cycle.on_poll_start()
    eventually(lambda: store.exists(f"{prefix}a") == 0)
    asked_before = time.monotonic()

    drain(connection, came, 1)

    assert asked_before - 60 < lease._held[tag].leased_at < asked_before


def test_what_is_forgotten_is_left_to_the_worker_that_has_it_and_makes_room(
    connect: Open, store: Any, prefix: str
) -> None:
    connection = connect()
    lease = leased(connection)
    publish(connection.default_channel, "a")
    (message,) = drain(connection, consume(connection, "a"), 1)
    qos = connection.default_channel.qos
    qos.prefetch_count = 1
    assert not qos.can_consume()

    for _ in range(2):
        qos.forget(message.delivery_tag)
        assert qos.can_consume()

    assert lease.is_lost(message.delivery_tag)
    assert store.hkeys(f"{prefix}{HELD}") == [message.delivery_tag]


@pytest.mark.parametrize("way", ["ack", "reject", "requeue"])
def test_an_end_that_a_lost_channel_cannot_tell_is_told_later(
    connect: Open, store: Any, prefix: str, way: str
) -> None:
    connection = connect()
    lease = leased(connection)
    publish(connection.default_channel, "a")
    (message,) = drain(connection, consume(connection, "a"), 1)
    connection.default_channel.do_restore = False
    connection.close()
    assert store.hlen(f"{prefix}{HELD}") == 1

    getattr(message, way)()
    lease.start()
    lease.stop()

    assert store.exists(f"{prefix}{HELD}", f"{prefix}{HELD}_index") == 0
    assert store.llen(f"{prefix}a") == (way == "requeue")
