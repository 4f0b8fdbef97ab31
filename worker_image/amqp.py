"""Celery's view of the queues: the declared ones, and the lists of their tenants."""

from collections.abc import Container
from typing import Any

from celery.app import amqp
from kombu import Queue

from worker_image.tenants import Place, place_of
from worker_image.transport import FAIR_QUEUES


class Queues(amqp.Queues):
    """Finds a tenant's list, which nobody declares; any other unknown queue stays an error.

    A retry names the list that its task came from, and is looked up here.
    """

    fair: Container[str] = ()

    def __missing__(self, name: str) -> Queue:
        """Return the tenant's list; raises KeyError where it is none of a fair queue's."""
        place = place_of(name, self.fair)
        if place.tenant is None:
            raise KeyError(name)
        return tenant_queue(place)


class Amqp(amqp.AMQP):
    """Celery's own, over these queues."""

    queues_cls = Queues

    def Queues(self, *args: Any, **kwargs: Any) -> Queues:  # noqa: ANN401, N802 - Celery's own
        """Return the mapping of queues."""
        queues: Queues = super().Queues(*args, **kwargs)
        queues.fair = self.app.conf.broker_transport_options.get(FAIR_QUEUES, ())
        return queues


def tenant_queue(place: Place) -> Queue:
    """Return kombu's idea of a tenant's list.

    Declared, it would leave a binding in Redis for each tenant there ever was; the anonymous
    exchange needs none.
    """
    return Queue(place.list_name, routing_key=place.list_name, no_declare=True)
