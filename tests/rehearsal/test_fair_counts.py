"""What the fleet's transport and a registry write for a fair queue, on a real broker."""

import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection

from tests.rehearsal.fair_stage import (
    HELD,
    MARKS,
    QUEUE,
    TENANTS,
)
from tests.rehearsal.worker_fleet import Broker
from worker_image.tenant_registry import TenantRegistry
from worker_image.transport import TRANSPORT

pytestmark = pytest.mark.rehearsal


@pytest.fixture
def channel(broker: Broker, prefix: str) -> Iterator[Any]:
    """A channel of the fleet's transport, as a worker's consumer has one; the broker is empty."""
    with broker.client() as client:
        client.flushall()
    options = {
        "fair_queues": {QUEUE: MARKS},
        "unacked_key": HELD,
        "unacked_index_key": f"{HELD}_index",
        "sep": ":",
        "global_keyprefix": prefix,
        "visibility_timeout": 0,
        "unacked_restore_throttle": 1,
    }
    url, _, _ = broker.url(0).partition("?")
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(broker.ca)}
    with Connection(url, transport=TRANSPORT, ssl=tls, transport_options=options) as connection:
        yield connection.default_channel


def publish(channel: Any, list_name: str, priority: int = 0) -> None:
    message = channel.prepare_message("body", priority=priority)
    channel.basic_publish(message, exchange="", routing_key=list_name)


def keys(broker: Broker, prefix: str, *names: str) -> tuple[int, ...]:
    """Lengths of lists, hashes and sorted sets; 0 for what is not there."""
    length = {"list": "llen", "hash": "hlen", "zset": "zcard", "none": "exists"}
    with broker.client() as client:
        return tuple(
            int(getattr(client, length[client.type(key)])(key))
            for key in (f"{prefix}{name}" for name in names)
        )


ACME = f"{QUEUE}.acme"
PLACES = (ACME, MARKS, HELD, TENANTS)


def test_a_message_is_marked_until_it_is_held(broker: Broker, channel: Any, prefix: str) -> None:
    publish(channel, ACME)
    assert keys(broker, prefix, *PLACES) == (1, 1, 0, 1)

    message = channel.basic_get(ACME)
    assert keys(broker, prefix, *PLACES) == (0, 0, 1, 1)

    message.ack()
    assert keys(broker, prefix, *PLACES) == (0, 0, 0, 1)


@pytest.mark.parametrize("way", ["reject", "visible", "close"])
def test_a_message_that_is_put_back_is_marked_again(
    broker: Broker, channel: Any, prefix: str, way: str
) -> None:
    publish(channel, ACME)
    message = channel.basic_get(ACME)
    with broker.client() as client:
        client.delete(f"{prefix}{TENANTS}")

    match way:
        case "reject":
            message.requeue()
        case "visible":
            channel.qos.restore_visible(interval=1)
        case _:
            channel.close()

    assert keys(broker, prefix, *PLACES) == (1, 1, 0, 1)


def test_a_fair_queue_has_one_list_a_tenant_whatever_the_priority(
    broker: Broker, channel: Any, prefix: str
) -> None:
    publish(channel, ACME, priority=9)
    publish(channel, QUEUE, priority=9)
    publish(channel, "default", priority=9)

    assert keys(broker, prefix, ACME, QUEUE, MARKS, TENANTS) == (1, 1, 2, 1)
    assert keys(broker, prefix, "default:9", f"{ACME}:9", f"{QUEUE}:9") == (1, 0, 0)


def test_a_batch_is_marked_like_single_messages(broker: Broker, channel: Any, prefix: str) -> None:
    batch = channel.create_publish_batch(max_size=100)
    for list_name in (ACME, f"{QUEUE}.zorg", "default"):
        message = channel.prepare_message("body")
        batch.publish(message, exchange="", routing_key=list_name)
    batch.flush()
    batch.close()

    assert keys(broker, prefix, ACME, f"{QUEUE}.zorg", "default") == (1, 1, 1)
    assert keys(broker, prefix, MARKS, TENANTS) == (2, 2)


@pytest.fixture
def tenants(broker: Broker, prefix: str) -> Iterator[TenantRegistry]:
    with broker.client() as client:
        yield TenantRegistry(client, prefix, QUEUE, MARKS, HELD)


def test_only_a_mark_found_alone_twice_is_removed(
    broker: Broker, channel: Any, tenants: TenantRegistry, prefix: str
) -> None:
    tenants.client.hset(f"{prefix}{MARKS}", "lost", "1")
    publish(channel, ACME)
    assert [tenants.sweep(0), tenants.sweep(0)] == [[], []]  # something waits

    channel.basic_get(ACME)
    assert tenants.sweep(0) == []  # found once
    assert tenants.sweep(60) == []  # too soon
    assert tenants.sweep(0) == ["lost"]
    assert keys(broker, prefix, *PLACES) == (0, 0, 1, 1)


@pytest.mark.usefixtures("channel")
def test_a_mark_whose_message_is_held_stays(
    broker: Broker, tenants: TenantRegistry, prefix: str
) -> None:
    tenants.client.hset(f"{prefix}{MARKS}", "held", "1")
    tenants.client.hset(f"{prefix}{HELD}", "held", "[]")

    assert [tenants.sweep(0), tenants.sweep(0)] == [[], []]
    assert keys(broker, prefix, MARKS) == (1,)


def test_only_tenants_that_rest_without_messages_are_retired(
    channel: Any, tenants: TenantRegistry, prefix: str
) -> None:
    publish(channel, ACME)
    ages = {"acme": 0, "zorg": 0, "umbrella": 0, "fresh": time.time()}
    tenants.client.zadd(f"{prefix}{TENANTS}", ages)

    assert tenants.retire(60, at_most=2) + tenants.retire(60, at_most=100) == 2
    assert tenants.tenants() == ["acme", "fresh"]
