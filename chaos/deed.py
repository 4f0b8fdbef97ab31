"""What a task of the campaign does, in either arm: it tells the ledger, and may end its worker."""

import os
import signal
import time
from pathlib import Path

from celery import signals

from chaos.ledger import PATH_VARIABLE, Ledger

TASK, NEWER_TASK, TICK_TASK = "chaos.work", "chaos.newer", "chaos.tick"
WORKER_VARIABLE = "CHAOS_WORKER"
RETRY_S = 1
"""After this a task that asks to be retried starts again."""


def tell_ready() -> None:
    """Have this process touch its worker's file in the run's folder once it consumes."""

    def ready(**_: object) -> None:
        ready_file(ledger().path.parent, os.environ[WORKER_VARIABLE]).touch()

    signals.worker_ready.connect(ready, weak=False)


def ready_file(folder: Path, worker: str) -> Path:
    """Name the file that is there once a worker consumes."""
    return folder / f"ready-{worker}"


def ledger() -> Ledger:
    """Return the run's ledger, which the environment names."""
    return Ledger(Path(os.environ[PATH_VARIABLE]))


def do(task_id: str, attempt: int, kind: str, seconds: float) -> bool:
    """Hold a slot for so long, then have the effect; whether it is to be retried instead.

    Of kinds, `poison` kills the process that it runs in, and `oom` that one's whole worker, as the
    kernel does with a container; `retry` asks for one retry; all others do nothing more.
    """
    lines = ledger()
    execution = lines.began(task_id, attempt, os.environ[WORKER_VARIABLE])
    if kind == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "oom":
        os.killpg(os.getpgid(0), signal.SIGKILL)
    time.sleep(seconds)
    if kind == "retry" and attempt == 0:
        lines.ended(execution, "retried")
        return True
    lines.effect(task_id)
    lines.ended(execution, "committed")
    return False


def newer(kind: str, seconds: float, blob: str = "") -> None:
    """Stand for a task that only a newer image has; no worker of the campaign runs it."""
    raise NotImplementedError(kind, seconds, blob)
