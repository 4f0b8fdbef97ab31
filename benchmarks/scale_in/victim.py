"""A pod that a scale-in has hit: how long it took to go, and what it finished meanwhile."""

from dataclasses import dataclass
from typing import TextIO

# As Celery's main process says it when SIGTERM has come (5.7.0, apps/worker.py).
_TERMINATING = "Warm shutdown"
_FINISHED = " succeeded in "


@dataclass(frozen=True)
class Victim:
    """A pod that is gone."""

    pod: str
    took_s: float
    """From the change of replicas until the pod was gone."""
    finished: int
    """Tasks that ended after SIGTERM had come."""


def examine(pod: str, took_s: float, log: TextIO) -> Victim:
    """Read the log of a pod that is gone; the file was opened while the pod was there."""
    _, _, since = log.read().partition(_TERMINATING)
    return Victim(pod, took_s, since.count(_FINISHED))
