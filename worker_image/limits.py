"""How long a task may run: its queue's limits, or shorter ones that its caller asked for.

They travel in the message, so one worker holds the tasks of each of its queues to that queue's
own limits; the worker's command line carries the longest, for messages without any.
"""

from worker_image.declared import QueueSettings

# What a task has between its soft and its hard limit, to put things in order and to be counted.
_BETWEEN_SHARE = 0.05
_BETWEEN_MIN_S = 1.0
_BETWEEN_SHARE_MAX = 0.5


def settled(asked: object, queue: QueueSettings) -> list[float]:
    """Return a message's `timelimit` header, [hard, soft] in seconds.

    A retry carries the limits of the attempt before it, so it never gets longer ones.

    Args:
        asked: the header as Celery made it from the caller's options, None for what is not asked.
        queue: the one that the message goes to.

    """
    hard_asked, soft_asked = asked if isinstance(asked, list | tuple) else (None, None)
    hard = _shorter(hard_asked, queue.time_limit_seconds)
    # Celery waits for the soft limit first: one above the hard limit would put that off, and at
    # one close to it a task would fail twice, by its exception and by its process's end.
    between = min(max(_BETWEEN_SHARE * hard, _BETWEEN_MIN_S), _BETWEEN_SHARE_MAX * hard)
    return [hard, min(_shorter(soft_asked, queue.soft_time_limit_seconds), hard - between)]


def _shorter(asked: object, limit_s: int) -> float:
    """The caller's limit where it is one; Celery takes 0 for none."""
    if isinstance(asked, int | float) and 0 < asked < limit_s:
        return asked
    return limit_s
