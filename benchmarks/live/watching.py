"""Gathers what happens during a run: from the generator, and from the cluster."""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.live.publishing import Fact
from benchmarks.live.record import Execution, PodRecord, TaskRecord
from fleet.kubernetes import Object


class Worker(Protocol):
    """What is looked at: a Deployment and its pods."""

    def replicas(self) -> int: ...
    def pods(self) -> list[Object]: ...


@dataclass
class Watching:
    """Times are seconds since the first task was due; facts come from another thread."""

    tasks: dict[str, TaskRecord]
    pods: dict[str, PodRecord] = field(default_factory=dict)
    replicas: list[tuple[float, int]] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    _began_at: float = 0.0
    _online_at: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def now_s(self) -> float:
        return self._since(time.time())

    def on_fact(self, fact: Fact) -> None:
        """Take one line of the generator."""
        with self._lock:
            if fact["kind"] == "go":
                self._began_at = fact["at"]
                self.began.set()
            elif fact["kind"] == "published":
                task = self.tasks[fact["task"]]
                task.published_s, task.lag_s = self._since(fact["at"]), fact["lag_s"]
            elif fact["kind"] == "online":
                self._online_at.setdefault(_pod(fact["worker"]), fact["at"])
            elif fact["task"] in self.tasks:
                self._on_task(fact)

    def look(self, worker: Worker) -> None:
        """Take the replicas and the pods as they are now."""
        replicas, pods, now_s = worker.replicas(), worker.pods(), self.now_s
        if not self.replicas or self.replicas[-1][1] != replicas:
            self.replicas.append((now_s, replicas))
        present = {pod["metadata"]["uid"]: pod["metadata"] for pod in pods}
        for uid, meta in present.items():
            record = self.pods.setdefault(uid, PodRecord(meta["name"], now_s))
            if meta.get("deletionTimestamp") and record.deleted_s is None:
                record.deleted_s = now_s
        for uid, record in self.pods.items():
            if uid not in present and record.gone_s is None:
                record.gone_s = now_s
                record.deleted_s = now_s if record.deleted_s is None else record.deleted_s
            if record.online_s is None and record.name in self._online_at:
                record.online_s = self._since(self._online_at[record.name])

    def is_done(self) -> bool:
        """Whether every task has ended at least once."""
        with self._lock:
            return all(task.ends for task in self.tasks.values())

    def told(self) -> str:
        """One line for a person."""
        with self._lock:
            published = sum(task.published_s is not None for task in self.tasks.values())
            started = sum(bool(task.executions) for task in self.tasks.values())
            ended = sum(bool(task.ends) for task in self.tasks.values())
        present = sum(pod.gone_s is None for pod in self.pods.values())
        return (
            f"t = {self.now_s:.0f} s: replicas {self.replicas[-1][1]}, pods {present}, "
            f"published {published}, started {started}, ended {ended}"
        )

    def _since(self, at: float) -> float:
        return at - self._began_at

    def _on_task(self, fact: Fact) -> None:
        task, worker, at_s = self.tasks[fact["task"]], fact["worker"], self._since(fact["at"])
        if fact["kind"] == "started":
            task.executions.append(Execution(worker, at_s))
            return
        for execution in task.executions:
            if execution.worker == worker and execution.ended_s is None:
                execution.ended_s = at_s
                execution.failed = fact["kind"] == "failed"
                return


def _pod(worker: str) -> str:
    """The pod of a Celery node name, `worker-<name>@<pod>`."""
    return worker.partition("@")[2]
