"""The fleet's transport: kombu's own for Redis, and what fair queues need of each command.

Every process uses it, whether or not its stack has a fair queue: what publishes and what consumes
must agree on what is written.
"""

from worker_image.transport.channel import FAIR_QUEUES, Channel, Transport

TRANSPORT = "worker_image.transport:Transport"
"""Celery's `broker_transport`."""

__all__ = ["FAIR_QUEUES", "TRANSPORT", "Channel", "Transport"]
