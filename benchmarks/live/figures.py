"""What one run amounts to: waits, cost, and what became of each task by its id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.live.record import PodRecord, RunRecord, TaskRecord


@dataclass(frozen=True)
class Figures:
    """Seconds are the stage's. What had not come by the run's end counts as coming then."""

    wait_p50_s: float
    wait_p95_s: float
    wait_p99_s: float
    wait_max_s: float
    in_time: float
    """Share of the tasks that started within the tolerated wait."""
    first_start_s: float
    """From the first task's publication to the first start of any."""
    drained_s: float
    """From the first task's publication to the last first end."""
    pod_s: float
    """Until the horizon, or until the last end if that is later."""
    pod_starts: int
    killed: int
    """Runs of a task that were cut off with their pod."""
    redelivered: int
    """Tasks that began more than once."""
    duplicated: int
    """Tasks that ended well more than once."""
    lost: int
    """Tasks that did not end, whose message is nowhere, and which no pod runs."""
    unfinished: int
    """Other tasks that had not ended: still waiting, held or running."""
    failed: int
    """Tasks that ended in failure."""
    lag_p99_s: float
    """How late the generator published."""


RATIOS: Mapping[str, str] = {
    "wait_p50_s": "wait p50",
    "wait_p95_s": "wait p95",
    "wait_p99_s": "wait p99",
    "wait_max_s": "wait max",
    "first_start_s": "first start",
    "drained_s": "drained",
    "pod_s": "pod-seconds",
    "pod_starts": "pod starts",
}
"""What is compared by ratio; for each of them less is better."""


def figures(run: RunRecord, tolerated_s: float) -> Figures:
    """Reduce a run to its figures."""
    tasks = list(run.tasks.values())
    published = [0.0 if task.published_s is None else task.published_s for task in tasks]
    starts = [run.ended_s if task.started_s is None else task.started_s for task in tasks]
    waits = np.asarray(starts) - np.asarray(published)
    quantile = dict(zip((50, 95, 99), _quantiles(waits, (0.5, 0.95, 0.99)), strict=True))
    ends = [min(task.ends, default=run.ended_s) for task in tasks]
    live = {pod.name for pod in run.pods.values() if pod.gone_s is None}
    open_tasks = [task for task in tasks if not task.ends]
    lost = [task for task in open_tasks if _is_lost(task, live)]
    return Figures(
        wait_p50_s=quantile[50],
        wait_p95_s=quantile[95],
        wait_p99_s=quantile[99],
        wait_max_s=float(waits.max()),
        in_time=float(np.mean(waits <= tolerated_s)),
        first_start_s=min(starts) - min(published),
        drained_s=max(ends) - min(published),
        pod_s=sum(_present_s(pod, run.ended_s) for pod in run.pods.values()),
        pod_starts=len(run.pods) - run.min_replicas,
        killed=sum(_killed(task, live) for task in tasks),
        redelivered=sum(len(task.executions) > 1 for task in tasks),
        duplicated=sum(_good_ends(task) > 1 for task in tasks),
        lost=len(lost),
        unfinished=len(open_tasks) - len(lost),
        failed=sum(any(each.failed for each in task.executions) for task in tasks),
        lag_p99_s=_quantiles(np.asarray([task.lag_s for task in tasks]), (0.99,))[0],
    )


def _quantiles(
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]", at: Sequence[float]
) -> list[float]:
    """Values that occurred, not below the quantile."""
    found: list[float] = np.quantile(values, at, method="higher").tolist()
    return found


def _present_s(pod: PodRecord, ended_s: float) -> float:
    gone_s = ended_s if pod.gone_s is None else pod.gone_s
    return max(0.0, gone_s - max(0.0, pod.seen_s))


def _pod(worker: str) -> str:
    return worker.partition("@")[2]


def _killed(task: TaskRecord, live: set[str]) -> int:
    return sum(e.ended_s is None and _pod(e.worker) not in live for e in task.executions)


def _is_lost(task: TaskRecord, live: set[str]) -> bool:
    runs = any(e.ended_s is None and _pod(e.worker) in live for e in task.executions)
    return task.left_in is None and not runs


def _good_ends(task: TaskRecord) -> int:
    return sum(e.ended_s is not None and not e.failed for e in task.executions)
