"""Throughput and publish-to-start latency of both arms, by pool and concurrency.

Both workers run side by side and take turns: while one has a block of messages, the other waits
for its first one. So each pair of blocks meets the same mood of the machine, and the pair's ratio
tells.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from statistics import median, quantiles

from benchmarks.image import probe
from benchmarks.image.arms import (
    ARMS,
    QUEUE,
    Arm,
    Bench,
    Shape,
    list_of,
    may_be_held,
    task_id,
    until,
)
from worker_image.transport.wake import wake_key

SHAPES = (
    Shape("solo", 1),
    *(Shape("prefork", slots) for slots in (1, 2, 4)),
    *(Shape("threads", slots) for slots in (1, 2, 4)),
    *(Shape("gevent", slots) for slots in (1, 2, 4)),
)
TASK_S = (0.0, 0.01, 0.1)
"""What a task sleeps; the first does nothing at all."""

# Blocks of half a second to one second on this kind of machine.
_TASKS_PER_SLOT = {0.01: 50, 0.1: 8}
_IDLE_TASKS = 500
_WARM_UP = 100
_LATENCY_TASKS = 60
_LATENCY_GAP_S = 0.03
_LATENCY_WARM_UP = 10


@dataclass(frozen=True)
class Speed:
    """Both arms in one shape, with tasks of one length."""

    shape: str
    task_s: float
    plain_per_s: float
    """Median of the blocks, as the next."""
    fleet_per_s: float
    ratio: float
    """Median over the pairs of blocks of fleet to plain."""
    ratio_range: tuple[float, float]
    """Quartiles of the same."""


@dataclass(frozen=True)
class Wait:
    """One arm in one shape, one message at a time: from its push to its task's start."""

    shape: str
    arm: Arm
    p50_ms: float
    p95_ms: float


def speeds(bench: Bench, rounds: int, shapes: Sequence[Shape] = SHAPES) -> Iterator[Speed]:
    """Measure every shape with tasks of every length, in so many pairs of blocks."""
    most = max(_tasks(shape, task_s) for shape in shapes for task_s in TASK_S)
    messages = {(arm, s): bench.messages(arm, most, s) for arm in ARMS for s in TASK_S}
    for shape in shapes:
        for may_hold, lengths in groupby(TASK_S, key=may_be_held):
            with ExitStack() as workers:
                for arm in ARMS:
                    workers.enter_context(bench.worker(arm, shape, holds=may_hold))
                    block_s(bench, arm, messages[arm, 0.0][:_WARM_UP])
                for task_s in lengths:
                    sent = {arm: messages[arm, task_s][: _tasks(shape, task_s)] for arm in ARMS}
                    pairs = [_pair(bench, sent, turn) for turn in range(rounds)]
                    yield _speed(shape, task_s, _tasks(shape, task_s), pairs)


def waits(bench: Bench, shapes: Sequence[Shape] = SHAPES) -> Iterator[Wait]:
    """Measure every shape, one arm after the other."""
    messages = {arm: bench.messages(arm, _LATENCY_WARM_UP + _LATENCY_TASKS, 0.0) for arm in ARMS}
    for shape in shapes:
        for arm in ARMS:
            waits_ms = [1000 * wait for wait in _waits_s(bench, arm, shape, messages[arm])]
            yield Wait(str(shape), arm, median(waits_ms), quantiles(waits_ms, n=20)[-1])


def block_s(bench: Bench, arm: Arm, messages: Sequence[str]) -> float:
    """Seconds from the moment that all messages are there until the last one has its result."""
    results = bench.client(1)
    results.flushdb()
    started = time.monotonic()
    _push(bench, arm, *messages)
    until(lambda: results.dbsize() >= len(messages), f"results of {arm}", 60)
    return time.monotonic() - started


def _tasks(shape: Shape, task_s: float) -> int:
    return _TASKS_PER_SLOT[task_s] * shape.concurrency if task_s else _IDLE_TASKS


def _pair(bench: Bench, sent: dict[Arm, list[str]], turn: int) -> dict[Arm, float]:
    """Give both arms a block; who begins changes."""
    order = ARMS if turn % 2 == 0 else tuple(reversed(ARMS))
    return {arm: block_s(bench, arm, sent[arm]) for arm in order}


def _speed(shape: Shape, task_s: float, tasks: int, pairs: Sequence[dict[Arm, float]]) -> Speed:
    ratios = [pair["plain"] / pair["fleet"] for pair in pairs]
    low, middle, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    per_s = {arm: tasks / median(pair[arm] for pair in pairs) for arm in ARMS}
    return Speed(str(shape), task_s, per_s["plain"], per_s["fleet"], middle, (low, high))


def _waits_s(bench: Bench, arm: Arm, shape: Shape, messages: Sequence[str]) -> list[float]:
    bench.client().flushall()
    starts, sent_at = bench.client(2), {}
    with bench.worker(arm, shape, starts=True):
        for message in messages:
            sent_at[task_id(message)] = time.time()
            _push(bench, arm, message)
            time.sleep(_LATENCY_GAP_S)
        until(lambda: starts.llen(probe.STARTS) >= len(messages), f"starts of {arm} {shape}")
    told = [str(line).split() for line in starts.lrange(probe.STARTS, 0, -1)]
    return [float(at) - sent_at[started] for started, at in told[_LATENCY_WARM_UP:]]


def _push(bench: Bench, arm: Arm, *messages: str) -> None:
    """Send messages as the arm's own publisher would, which wakes a worker that waits."""
    with bench.client().pipeline(transaction=False) as pipe:
        pipe.lpush(list_of(arm), *messages)
        if arm == "fleet":
            pipe.zadd(wake_key(QUEUE), {"1": 0})
        pipe.execute()
