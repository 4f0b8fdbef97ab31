"""What a run of ours looked like over time, for whoever compares the simulator with it."""

from statistics import median
from typing import Any

from benchmarks.live.record import RunRecord
from benchmarks.live.scenario import Scenario


def serving(run: RunRecord) -> list[tuple[float, int]]:
    """(seconds, pods whose worker takes tasks) at the beginning and at each change."""
    changes = [(0.0, 0)]
    for pod in run.pods.values():
        if pod.online_s is not None:
            changes.append((max(0.0, pod.online_s), 1))
            end_s = pod.deleted_s if pod.deleted_s is not None else pod.gone_s
            if end_s is not None:
                changes.append((max(end_s, pod.online_s), -1))
    steps: list[tuple[float, int]] = []
    pods = 0
    for at_s, change in sorted(changes):
        pods += change
        if steps and steps[-1][0] == at_s:
            steps.pop()
        steps.append((at_s, pods))
    return steps


def timeline(scenario: Scenario, run: RunRecord) -> dict[str, Any]:
    """Settings of ours in seconds of the stage, tasks, replicas and serving pods over time."""
    plan, pace = scenario.plan, scenario.pace
    return {
        "hpa_period_s": scenario.stage_hpa_s,
        "polling_interval_s": pace.whole(plan.polling_interval_s or 30),
        "cooldown_s": pace.whole(plan.cooldown_period_s),
        "start_s": round(median(start_seconds(run)), 3),
        "concurrency": plan.concurrency,
        "min": plan.min_replicas,
        "max": plan.max_replicas,
        "formula": {"pending_weight": plan.slots.pending_weight, "spare": plan.slots.kept_free},
        "tasks": [
            {
                "published_s": task.published_s,
                "started_s": task.started_s,
                "ended_s": min(task.ends, default=None),
            }
            for task in run.tasks.values()
        ],
        "replicas": [list(step) for step in run.replicas],
        "ready": [list(step) for step in serving(run)],
    }


def start_seconds(run: RunRecord) -> list[float]:
    """From the sight of each new pod to its worker taking tasks."""
    return [
        pod.online_s - pod.seen_s
        for pod in run.pods.values()
        if pod.online_s is not None and pod.online_s > 0
    ]


def overrun_seconds(run: RunRecord) -> list[float]:
    """How much longer each task ran than it was told to."""
    return [
        each.ended_s - each.started_s - task.seconds
        for task in run.tasks.values()
        for each in task.executions
        if each.ended_s is not None
    ]
