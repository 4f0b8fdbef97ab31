"""A worker's leases, and what becomes of the messages it holds when its connection is lost.

Celery would put all of them back, and whatever runs would start a second time elsewhere. Here a
task that has begun goes on, and its message passes to the next channel; the others go back to their
queues as soon as the broker answers.
"""

import logging
import sys
from collections.abc import Callable
from itertools import chain
from typing import Any

import redis
from celery import Celery, bootsteps
from celery.worker import state

from worker_image.beginning import Beginning, limited
from worker_image.request import ending_tags
from worker_image.settings import Settings
from worker_image.transport import LEASE
from worker_image.transport.lease import Lease
from worker_image.transport.lease_channel import LeaseChannel

# LMPOP came with it.
_REDIS_FROM = (7, 0)

logger = logging.getLogger(__name__)


class Leases(bootsteps.StartStopStep):
    """Renews what the worker's consumer holds; with it this starts anew at each reconnect."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        super().__init__(consumer, **options)
        self._lease: Lease | None = None
        self._beginning = Beginning(consumer)
        self._settle_acks: Callable[[], None] = lambda: None

    def start(self, consumer: Any) -> None:  # noqa: ANN401 - likewise
        """Take over what a channel before this one has delivered."""
        channel = consumer.task_consumer.channel
        if self._lease is None:
            server = channel.in_flight(channel.pool_of_its_own())
            timeout_s = float(channel.visibility_timeout)
            self._lease = self._beginning.lease = Lease(
                server, timeout_s, lambda: known_tags(consumer), self._beginning.renewed
            )
            self._lease.start()
        channel.qos.lease = self._lease
        self._settle_acks = channel.qos.settle
        if consumer.carried is not None:
            self._take_over(channel, self._lease, consumer.carried.tags)
            consumer.carried = None

    def shutdown(self, consumer: Any) -> None:  # noqa: ANN401, ARG002 - likewise
        """Settle what is left; Celery calls this once the pool has ended."""
        self._settle_acks()
        if self._lease is not None:
            self._lease.stop()

    def _take_over(self, channel: Any, lease: Lease, begun: set[str]) -> None:  # noqa: ANN401 - kombu's Channel
        lost = lease.unsettled
        for tag, message in lost.items():
            channel.qos.adopt(message, tag)
        # The last one first: each goes before what waits, so the first one is first again.
        idle = [tag for tag in reversed(list(lost)) if tag not in begun]
        for tag in idle:
            channel.qos.give_back(tag)
        if lost:
            told = (len(lost) - len(idle), len(idle))
            logger.info("connection lost: %d tasks go on, %d messages given back", *told)


def known_tags(consumer: Any) -> set[str]:  # noqa: ANN401 - Celery's Consumer
    """Return the tags of messages whose tasks run, are reserved, scheduled, or at their end."""
    # First, as a request goes from the others to these.
    requests = chain(list(state.requests.values()), limited(consumer))
    tags = {request.message.delivery_tag for request in requests}
    return tags | ending_tags()


def check(connection: Any) -> None:  # noqa: ANN401 - kombu's Connection
    """End the worker, with one message, where its broker cannot serve leases."""
    channel = connection.default_channel
    if isinstance(channel, LeaseChannel) and (problem := unsupported(channel.held.client)):
        sys.exit(f"worker_image cannot start: {problem}")


def unsupported(client: "redis.Redis") -> str | None:
    """Return why a server cannot serve leases; None where it can.

    Raises:
        redis.RedisError: it does not answer.

    """
    told = client.info("server", "cluster")
    if told.get("cluster_enabled"):
        return "the broker is a Redis Cluster: kombu's lists need one node that has them all"
    # Valkey tells the Redis that it is compatible with.
    version = str(told.get("redis_version"))
    if tuple(int(part) for part in version.split(".")[:2]) < _REDIS_FROM:
        return f"the broker is Redis {version}: delivery 'lease' needs LMPOP, of 7.0"
    return None


def connect(settings: Settings, app: Celery) -> None:
    """Lease what each worker holds, if the fleet's messages are delivered so."""
    if settings.fleet.delivery == LEASE:
        app.steps["consumer"].add(Leases)
