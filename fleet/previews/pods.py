"""Which pods of a preview are meant, and what is said where there are none."""

from dataclasses import dataclass
from typing import Literal

from fleet.kubernetes import Cluster, Object, condition
from fleet.previews.guest_workers import WORKER
from infra.manifests.labels import selector
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError

Process = Literal["beat", "janitor", "api"]
"""What always runs in a preview, beside its workers."""


@dataclass(frozen=True)
class Aim:
    """Whose pods are meant; with neither, all that the preview has."""

    worker: str | None = None
    process: Process | None = None

    def __str__(self) -> str:
        if self.worker is not None:
            return f"worker {self.worker}"
        return self.process or "anything"


@dataclass(frozen=True)
class Pods:
    """Those of one preview."""

    name: str
    config: FleetConfig
    cluster: Cluster

    def selected(self, aim: Aim) -> str:
        """The label selector of what is meant."""
        if aim.worker is not None:
            found = selector(self.name, "worker", aim.worker)
        elif aim.process is not None:
            found = selector(self.name, aim.process)
        else:
            found = {"app.kubernetes.io/instance": self.name}
        return ",".join(f"{label}={value}" for label, value in found.items())

    def of(self, aim: Aim) -> list[Object]:
        """The pods meant, one at least.

        Raises:
            RehearsalError: there is no such worker, or it has no pod.

        """
        if aim.worker is not None and aim.worker not in self.config.workers:
            raise RehearsalError(
                what=f"{self.name} has no worker {aim.worker!r}",
                why=f"its workers are {', '.join(sorted(self.config.workers))}",
                mend="name one of those: --worker W",
            )
        path = f"/api/v1/namespaces/{self.name}/pods"
        if found := self.cluster.items(path, labelSelector=self.selected(aim)):
            return found
        raise self._without_pod(aim)

    def _without_pod(self, aim: Aim) -> RehearsalError:
        if aim.worker is None:
            return RehearsalError(
                what=f"{aim} of {self.name} has no pod",
                why="it is being made or taken down, or its pod cannot be made",
                mend=f"see `fleet status -s {self.name}`, then run this again",
            )
        queues = ", ".join(self.config.workers[aim.worker].queues)
        return RehearsalError(
            what=f"{aim} of {self.name} is at zero: it has no pod now",
            why="it starts when a task waits and ends when none does; its logs go with its pod",
            mend=f"publish a task to one of its queues ({queues}), which starts it; or take a "
            "process that always runs, with the same code and settings: --process api",
        )

    def running(self, aim: Aim) -> Object:
        """One of them that runs, of the only worker where none is named; a ready one, if any is.

        Raises:
            RehearsalError: there is none, or the worker has to be named.

        """
        if aim.worker is None and aim.process is None:
            aim = Aim(_only_worker(self.config))
        pods = self.of(aim)
        running = [pod for pod in pods if _state(pod) == "Running"]
        if running:
            return max(running, key=lambda pod: condition(pod, "Ready").get("status") == "True")
        told = ", ".join(f"{pod['metadata']['name']} is {_state(pod)}" for pod in pods)
        raise RehearsalError(
            what=f"{aim} of {self.name} has no pod that runs",
            why=told,
            mend=f"see why with `fleet preview logs {self.name}` and `fleet status -s "
            f"{self.name}`, then run this again",
        )


def _only_worker(config: FleetConfig) -> str:
    workers = sorted(config.workers)
    if WORKER in workers:
        return WORKER
    if len(workers) == 1:
        return workers[0]
    raise RehearsalError(
        what="whose pod is meant?",
        why=f"there are workers {', '.join(workers)}",
        mend="name one of them: --worker W",
    )


def _state(pod: Object) -> str:
    """A pod's phase, or that it is ending."""
    if pod["metadata"].get("deletionTimestamp"):
        return "ending"
    status = pod.get("status") or {}
    phase, reason = status.get("phase") or "unknown", status.get("reason")
    return f"{phase} ({reason})" if reason else str(phase)
