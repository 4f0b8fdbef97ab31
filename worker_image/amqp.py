"""Celery's view of the broker: which queues there are, and how a task is sent to one."""

from collections.abc import Container
from typing import Any

from celery import Celery
from celery.app import amqp
from kombu import Connection, Queue
from kombu.utils.objects import cached_property

from worker_image import once, patience, room
from worker_image.tenants import Place, place_of
from worker_image.transport import FAIR_QUEUES, TRANSPORT


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

    @cached_property
    def send_task_message(self) -> patience.Send:
        """Send one message; Celery's every path to the broker ends here."""
        send = patience.patient(self._create_task_sender())

        def sent(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - Celery's own
            with room.keeping_back():
                return send(*args, **options)

        return sent

    def _retry_publish(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's own
        """Send what an ended task hands on: a link, the rest of its chain, its chord's body.

        Celery sends nothing else by this (5.7.0, app/trace.py, backends/redis.py).
        """
        with room.promised():
            return super()._retry_publish(*args, **kwargs)


class App(Celery):
    """Celery's own, whose publishers bear a broker that is away, and a queue that is full."""

    def send_task(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - Celery's own
        """Send a task by name, as `apply_async` does, too; may raise QueueFullError."""
        with room.kept_back() as refusals:
            sent = super().send_task(*args, **options)
        if refusals:
            raise refusals[0]
        return sent

    def connection_for_write(self, url: str | None = None, **options: Any) -> Connection:  # noqa: ANN401 - Celery's
        """Return a connection for publishing; it connects at first use."""
        asked = options.pop("transport_options", None) or {}
        options["transport_options"] = {**patience.OPTIONS, **asked}
        if self.conf.broker_transport == TRANSPORT:
            options["transport"] = options.get("transport") or once.TRANSPORT
        return super().connection_for_write(url, **options)


def tenant_queue(place: Place) -> Queue:
    """Return kombu's idea of a tenant's list.

    Declared, it would leave a binding in Redis for each tenant there ever was; the anonymous
    exchange needs none.
    """
    return Queue(place.list_name, routing_key=place.list_name, no_declare=True)
