"""Channels of the fleet's transport on a real broker, and what tests do with their messages."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from kombu import Connection, Consumer, Queue

from tests.rehearsal.worker_fleet import Broker
from worker_image.transport import TRANSPORT
from worker_image.transport.lease import Lease
from worker_image.transport.lease_qos import LeaseQoS

HELD = "unacked:a"
Open = Callable[..., Any]


@contextmanager
def opening(broker: Broker, prefix: str) -> Iterator[Open]:
    """Open connections that all end with the test, to a broker without keys and scripts."""
    url, _, _ = broker.url(0).partition("?")
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(broker.ca)}
    common = {
        "unacked_key": HELD,
        "unacked_index_key": f"{HELD}_index",
        "sep": ":",
        "global_keyprefix": prefix,
    }
    with broker.client() as client, ExitStack() as opened:
        client.flushall()
        client.script_flush()
        opened.callback(client.config_set, "maxmemory", 0)

        def connection(userid: str | None = None, password: str = "", **options: Any) -> Any:
            made = Connection(url, transport=TRANSPORT, ssl=tls, transport_options=common | options)
            if userid is not None:
                made.userid, made.password = userid, password
            opened.enter_context(made)
            return made

        yield connection


def publish(channel: Any, queue: str, body: str = "body", priority: int = 0) -> str:
    message = channel.prepare_message(body, priority=priority)
    channel.basic_publish(message, exchange="", routing_key=queue)
    return str(message["properties"]["delivery_tag"])


def consume(connection: Any, *names: str, no_ack: bool = False) -> list[Any]:
    """Start to consume; the list that messages come to."""
    came: list[Any] = []
    queues = [Queue(name, routing_key=name) for name in names]
    consumer = Consumer(connection, queues, on_message=came.append, no_ack=no_ack)
    consumer.consume()
    return came


def drain(connection: Any, came: list[Any], count: int, within_s: float = 3.0) -> list[Any]:
    while len(came) < count:
        connection.drain_events(timeout=within_s)
    return came


def hold(connect: Open, count: int, **options: Any) -> tuple[Any, list[Any]]:
    connection = connect(**options)
    for number in range(count):
        publish(connection.default_channel, "a", str(number))
    return connection, drain(connection, consume(connection, "a"), count)


def bodies(client: Any, key: str) -> list[str]:
    """What waits, in the order of serving."""
    return [json.loads(text)["body"] for text in reversed(client.lrange(key, 0, -1))]


def leased(connection: Any) -> Lease:
    """Give a connection's channel a lease, as a worker has one; its thread is not started."""
    channel = connection.default_channel
    channel.qos.lease = Lease(channel.in_flight(channel.pool_of_its_own()), 60)
    assert isinstance(channel.qos, LeaseQoS)
    return channel.qos.lease
