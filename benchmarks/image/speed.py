"""Throughput and publish-to-start latency of both arms, by pool and concurrency."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.image import probe
from benchmarks.image.arms import ARMS, Arm, Bench, Shape, list_of, task_id, until

SHAPES = (
    Shape("solo", 1),
    Shape("prefork", 1),
    Shape("prefork", 2),
    Shape("prefork", 4),
    Shape("threads", 8),
    Shape("gevent", 16),
)
TASK_S = 0.005
_LATENCY_TASKS = 60
_LATENCY_GAP_S = 0.03


@dataclass(frozen=True)
class Speed:
    """One arm in one shape."""

    arm: Arm
    shape: str
    per_s: float
    """Median of the rounds."""
    wait_p50_ms: float
    wait_p95_ms: float


def speeds(bench: Bench, tasks: int, rounds: int) -> Iterator[Speed]:
    """Measure every shape; the arms take turns, so that the machine's moods hit both."""
    messages = {arm: bench.messages(arm, tasks, TASK_S) for arm in ARMS}
    for shape in SHAPES:
        per_s: dict[Arm, list[float]] = {arm: [] for arm in ARMS}
        for turn in range(rounds):
            for arm in ARMS if turn % 2 == 0 else tuple(reversed(ARMS)):
                per_s[arm].append(throughput(bench, arm, shape, messages[arm]))
        for arm in ARMS:
            waits_ms = [1000 * wait for wait in latencies_s(bench, arm, shape, messages[arm])]
            p95_ms = quantiles(waits_ms, n=20)[-1]
            yield Speed(arm, str(shape), median(per_s[arm]), median(waits_ms), p95_ms)


def throughput(bench: Bench, arm: Arm, shape: Shape, messages: Sequence[str]) -> float:
    """Tasks a second, from the moment all messages are there until the last result is."""
    bench.client().flushall()
    with bench.worker(arm, shape):
        started = time.monotonic()
        bench.client().lpush(list_of(arm), *messages)
        until(lambda: bench.results() >= len(messages), f"results of {arm} {shape}", 120)
        took_s = time.monotonic() - started
    return len(messages) / took_s


def latencies_s(bench: Bench, arm: Arm, shape: Shape, messages: Sequence[str]) -> list[float]:
    """Seconds from the push of a message to its task's start, one message at a time."""
    bench.client().flushall()
    starts, sent_at = bench.client(2), {}
    with bench.worker(arm, shape, starts=True):
        for message in messages[:_LATENCY_TASKS]:
            sent_at[task_id(message)] = time.time()
            bench.client().lpush(list_of(arm), message)
            time.sleep(_LATENCY_GAP_S)
        until(lambda: starts.llen(probe.STARTS) >= _LATENCY_TASKS, f"starts of {arm} {shape}")
    told = (str(line).split() for line in starts.lrange(probe.STARTS, 0, -1))
    return [float(at) - sent_at[started] for started, at in told]
