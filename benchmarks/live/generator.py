"""Publishes a trace as the fleet's API would, and tells what Celery's events say.

A process of its own beside the pods: `python -m benchmarks.live.generator APP TRACE`. It prints one
JSON object a line: first `listening`; then, after a line on standard input, `go` and what happens;
it ends with its standard input. Times are seconds since the epoch.
"""

import importlib
import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celery import Celery
from celery.events.receiver import EventReceiver

TASK = "worker_image.tasks.canary.work"
_TOLD = {
    "task-started": "started",
    "task-succeeded": "succeeded",
    "task-failed": "failed",
    "worker-online": "online",
    "worker-offline": "offline",
}
_printing = threading.Lock()


def tell(kind: str, **facts: object) -> None:
    """Print one line for whoever started this."""
    with _printing:
        sys.stdout.write(json.dumps({"kind": kind, **facts}) + "\n")
        sys.stdout.flush()


class _Receiver(EventReceiver):  # type: ignore[misc]  # Celery is untyped
    def on_consume_ready(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - kombu's
        super().on_consume_ready(*arguments, **options)
        tell("listening")


def listen(app: Celery) -> None:
    """Tell each event of tasks and workers; for ever."""
    with app.connection_for_read() as connection:
        receiver = _Receiver(connection, handlers=dict.fromkeys(_TOLD, on_event), app=app)
        receiver.capture(limit=None, timeout=None, wakeup=False)


def on_event(event: Mapping[str, Any]) -> None:
    """Tell one event of a worker."""
    tell(
        _TOLD[event["type"]],
        task=event.get("uuid"),
        worker=event["hostname"],
        at=event["timestamp"],
    )


def publish(app: Celery, trace: list[dict[str, Any]]) -> None:
    """Send each task at its moment, as far as one thread can."""
    begin = time.time()
    tell("go", at=begin)
    for planned in trace:
        due = begin + planned["at_s"]
        time.sleep(max(0.0, due - time.time()))
        at = time.time()
        app.send_task(
            TASK,
            kwargs={"seconds": planned["seconds"]},
            queue=planned["queue"],
            task_id=planned["task"],
        )
        tell("published", task=planned["task"], at=at, lag_s=at - due)


def main() -> None:
    """Listen, wait for the word, publish, and listen on until standard input ends."""
    app: Celery = importlib.import_module(sys.argv[1]).app
    # As the fleet's publisher does: its router knows the tasks that it has imported.
    app.loader.import_default_modules()
    app.finalize()
    trace = json.loads(Path(sys.argv[2]).read_text())
    threading.Thread(target=listen, args=[app], daemon=True).start()
    if sys.stdin.readline():
        publish(app, trace)
        sys.stdin.read()


if __name__ == "__main__":
    main()
