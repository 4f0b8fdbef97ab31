"""The fleet's transport: kombu's own for Redis, with messages fetched in one step and leased.

Every process uses it: what publishes and what consumes must agree on what is written. Transport
option `delivery` decides how messages reach a worker:

- `lease`: taking a message and recording it as held is one step on the server, and its visibility
  is renewed for as long as its worker holds it. A visibility timeout of minutes is enough.
- `stock`: as kombu does it; the visibility timeout must exceed the longest task.

It needs Redis 7.0 or Valkey, one node (no Cluster, no Sentinel), and for its user, besides what
kombu needs: EVAL, EVALSHA, SCRIPT LOAD, TIME, BZPOPMIN, LMPOP, EXISTS, HLEN, INFO.
"""

from typing import Any

from worker_image.transport.channel import DELIVERY, FAIR_QUEUES, LEASE, STOCK, Channel
from worker_image.transport.lease_channel import LeaseChannel
from worker_image.transport.poller import Poller
from worker_image.transport.slots import SlotTransport

TRANSPORT = "worker_image.transport:Transport"
"""Celery's `broker_transport`."""

__all__ = ["DELIVERY", "FAIR_QUEUES", "LEASE", "STOCK", "TRANSPORT", "Channel", "Transport"]


class Transport(SlotTransport):
    """Kombu's Redis transport over these channels."""

    Channel = LeaseChannel

    def __init__(self, client: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        super().__init__(client, **kwargs)
        delivery = client.transport_options.get(DELIVERY, LEASE)
        if delivery not in {LEASE, STOCK}:
            raise ValueError(f"transport option delivery is {delivery!r}: neither lease nor stock")
        if delivery == STOCK:
            self.Channel = Channel
        self.cycle = Poller()
