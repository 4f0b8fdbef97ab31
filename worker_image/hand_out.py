"""Gives waiting tasks to idle processes of the pool before it takes another message.

Celery's loop would first read the message that a task's acknowledgement made room for: a
millisecond in which a process stands still, with its next task lying ready (Celery 5.7.0).
"""

from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps
from celery.concurrency.asynpool import AsynPool


class HandOutFirst(bootsteps.StartStopStep):
    """Lets a prefork worker take no message while one that it holds can be handed out."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        """Ask before each look for messages; with the consumer it starts anew at a reconnect."""
        pool = getattr(consumer.pool, "_pool", None)
        if isinstance(pool, AsynPool):
            qos = consumer.task_consumer.channel.qos
            qos.can_consume = unless_it_hands_out(pool, qos.can_consume)


def unless_it_hands_out(pool: Any, can_consume: Callable[[], bool]) -> Callable[[], bool]:  # noqa: ANN401 - Celery's AsynPool
    """Return whether to take a message: not in a turn of the loop in which the pool hands out.

    The condition is the pool's own, so such a turn ends at once, and the next one takes messages.
    """

    def decided() -> bool:
        idle = len(pool._busy_workers) < len(pool._all_inqueues)  # noqa: SLF001 - it has no other
        return not (pool.outbound_buffer and idle) and can_consume()

    return decided


def connect(app: Celery) -> None:
    """Hand out first, in every worker of this app."""
    app.steps["consumer"].add(HandOutFirst)
