"""Queues that nobody tuned on: drawn from a seed, over all that a queue may be.

`SEED` was taken when the rules were done; any other draws queues that are as new.

Rate, burst, task seconds, tolerated wait, concurrency and start are drawn log-uniformly; draws
whose steady load or burst is beyond what one worker kind would be given are drawn again.
"""

from typing import Any

import numpy as np

from benchmarks.model.case import Case, case

SEED = 20261121
COUNT = 30
HPA_S = 15
# Lower and upper bound of each draw.
RATE_PER_HOUR = (1.0, 72_000.0)
BURST_TASKS = (5.0, 1000.0)
BURST_WITHIN_S = (5.0, 60.0)
TASK_S = (0.1, 1800.0)
TOLERATED_WAIT_S = (1.0, 3600.0)
SPREAD = (0.25, 1.5)
CONCURRENCY = (1, 2, 4, 8)
START_S = (3.0, 30.0)
LIMIT_OVER_TASK = (5.0, 20.0)
GPU_PULL_S = (5.0, 300.0)
# Beyond these one queue would be split among workers, or its promise be thought over.
MOST_LOAD_SLOTS = 40.0
MOST_BURST_SLOT_S = 60_000.0
GPU_TASK_S = 30.0
COLD_SHARE = 0.4
# Long enough for bursts to matter, short enough to simulate in a second.
_TASKS = 20_000
_MOST_HOURS = 12.0
_LEAST_HOURS = 0.5
_HOURS_PER_BURST = 3.0
_WAITS_IN_SPAN = 4.0


def unseen(seed: int = SEED, count: int = COUNT) -> list[Case]:
    """The generated queues; the same for a seed."""
    draws = np.random.default_rng(seed)
    return [_queue(f"unseen/{number:02d}", draws) for number in range(1, count + 1)]


def _queue(name: str, draws: np.random.Generator) -> Case:
    while True:
        task_s, per_hour = _log(draws, TASK_S), _log(draws, RATE_PER_HOUR)
        burst = round(_log(draws, BURST_TASKS))
        if per_hour / 3600 * task_s <= MOST_LOAD_SLOTS and burst * task_s <= MOST_BURST_SLOT_S:
            break
    wait_s = _log(draws, TOLERATED_WAIT_S)
    hard_s = max(10, round(task_s * _log(draws, LIMIT_OVER_TASK)))
    hours = _hours(per_hour, wait_s)
    group, groups = _group(draws, task_s)
    stated = {
        "nodeGroup": group,
        "worker": {
            "concurrency": 1 if group == "gpu" else int(draws.choice(CONCURRENCY)),
            "startSeconds": round(_log(draws, START_S), 1),
        },
        "limits": [hard_s - 1, hard_s],
        "objective": {
            "typicalSeconds": round(task_s, 2),
            "spread": round(float(draws.uniform(*SPREAD)), 2),
            "perHour": round(per_hour, 1),
            "burst": {"tasks": burst, "withinSeconds": round(_log(draws, BURST_WITHIN_S))},
            "toleratedWaitSeconds": round(wait_s, 1),
        },
        "hours": hours,
        "bursts": max(1, round(hours / _HOURS_PER_BURST)),
    }
    return case(name, stated, groups, HPA_S)


def _log(draws: np.random.Generator, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return float(np.exp(draws.uniform(np.log(low), np.log(high))))


def _hours(per_hour: float, wait_s: float) -> float:
    enough = min(max(_TASKS / per_hour, _LEAST_HOURS), _MOST_HOURS)
    return round(max(enough, _WAITS_IN_SPAN * wait_s / 3600), 2)


def _group(draws: np.random.Generator, task_s: float) -> tuple[str, dict[str, Any]]:
    """Warm shared nodes for most; nodes that are launched, GPU ones for long tasks, for others."""
    cold, gpu = draws.random() < COLD_SHARE, draws.random() < 1 / 2
    pull_s = round(_log(draws, GPU_PULL_S))
    groups = {
        "cpu": {"cpu": 32, "memoryMiB": 65536},
        "cold": {
            "cpu": 2,
            "memoryMiB": 8192,
            "headroom": False,
            "launchSeconds": 60,
            "imagePullSeconds": 30,
        },
        "gpu": {
            "cpu": 8,
            "memoryMiB": 32768,
            "gpu": 1,
            "headroom": False,
            "launchSeconds": 120,
            "imagePullSeconds": pull_s,
        },
    }
    if not cold:
        return "cpu", groups
    return ("gpu" if gpu and task_s >= GPU_TASK_S else "cold"), groups
