"""What is sent, which of it was accepted, and what of that is in Redis."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from benchmarks.api.load import Answer
from benchmarks.api.stage import TOKEN

_TASK = "worker_image.tasks.canary.work"
_OK = 200
_READ_AT_ONCE = 5000


def creations(*, keys: bool) -> Iterator[bytes]:
    """Requests to create a task, without end; with a key, each has its own."""
    body = json.dumps({"task": _TASK, "kwargs": {"seconds": 0}}).encode()
    head = (
        "POST /create HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n"
    )
    for number in count():
        key = f"Idempotency-Key: key-{number}\r\n" if keys else ""
        yield f"{head}{key}\r\n".encode() + body


def accepted_ids(answers: Iterable[Answer]) -> set[str]:
    """Ids of the tasks that the API said it had sent."""
    return {json.loads(each.body)["task_id"] for each in answers if each.status == _OK}


def written_ids(broker: Any, queue: str) -> Counter[str]:  # noqa: ANN401 - redis-py's client
    """How often each task's id is in the queue's list."""
    found: Counter[str] = Counter()
    for start in range(0, broker.llen(queue), _READ_AT_ONCE):
        for text in broker.lrange(queue, start, start + _READ_AT_ONCE - 1):
            found[json.loads(text)["headers"]["id"]] += 1
    return found
