"""A draining worker hands back what still runs shortly before its pod would be killed.

SIGTERM lets tasks end, and a task in time ends well within the grace. One that is stuck where no
limit reaches it (pools other than prefork, a process in a driver) would die with SIGKILL, and its
message would wait for the visibility timeout. Celery's `worker_soft_shutdown_timeout` is not the
way: it sleeps its whole time inside the signal's handler, though the tasks be done (Celery 5.7.0).
"""

import logging
import os
import signal
from threading import Timer

from celery import signals

# Which limits a grace leaves room for, infra/sizing/limits.py derives from both numbers.
_MARGIN_S = 15.0
# Of a short grace, at least this part belongs to the tasks.
_TASKS_PART = 0.75

logger = logging.getLogger(__name__)


def deadline_s(grace_s: float) -> float:
    """Seconds after SIGTERM at which what still runs is handed back."""
    return max(grace_s - _MARGIN_S, grace_s * _TASKS_PART)


def connect(grace_s: float | None) -> None:
    """Watch over each warm shutdown; without a grace nobody kills the process."""
    if grace_s is None:
        return

    def watch(how: str, **_: object) -> None:
        if how == "Warm":
            timer = Timer(deadline_s(grace_s), _hand_back)
            timer.daemon = True
            timer.start()

    signals.worker_shutting_down.connect(watch, weak=False)


def _hand_back() -> None:
    logger.warning("the grace ends: tasks that still run are handed back to their queues")
    # Celery's cold shutdown: it ends the pool's processes, and requeues what is unacknowledged.
    os.kill(os.getpid(), signal.SIGQUIT)
