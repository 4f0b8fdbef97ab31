"""Where the cluster's faults come: the deployed worker, its pods, its producer and its ledger."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import psutil

from benchmarks.scale_in.target import Target
from chaos.broker import Endpoint
from chaos.cluster.scenario import WORKER
from chaos.ledger import Ledger, now
from chaos.processes import wait_for
from chaos.publisher import Publisher
from chaos.record import Execution, executions
from fleet.kubernetes import Object

_LOOK_S = 0.2
_KILLED = 128 + signal.SIGKILL


@dataclass
class Place:
    """All that a fault of the cluster may touch."""

    target: Target
    server: httpx.Client
    publisher: Publisher
    ledger: Ledger
    scaler_view: Endpoint

    @property
    def replicas(self) -> int:
        """What the Deployment is set to."""
        path = f"/apis/apps/v1/namespaces/{self.target.namespace}/deployments/worker-{WORKER}"
        found = self.target.cluster.get(path) or {}
        return int((found.get("spec") or {}).get("replicas", 0))

    def send(self, count: int, seconds: float) -> list[str]:
        """Have so many tasks published."""
        return [self.publisher.send_now("plain", WORKER, seconds) for _ in range(count)]

    def starts(self) -> list[Execution]:
        """Every start so far."""
        with self.ledger.connected() as db:
            return executions(db)

    def running(self) -> list[Execution]:
        """Runs without an end, on pods that are there."""
        there = {pod["metadata"]["name"] for pod in self.target.pods()}
        return [one for one in self.starts() if one.ended_at is None and one.worker in there]

    def await_running(self, count: int, within_s: float = 60.0) -> list[Execution]:
        """Wait until so many tasks run at once."""
        return wait_for(
            lambda: found if len(found := self.running()) >= count else None,
            *(within_s, f"{count} tasks run"),
        )

    def await_zero(self, within_s: float = 120.0) -> None:
        """Wait until the worker has no pod."""
        wait_for(lambda: not self.target.pods() and self.replicas == 0, within_s, "no pod is left")

    def pod(self, name: str) -> str:
        """Path of a pod."""
        return f"/api/v1/namespaces/{self.target.namespace}/pods/{name}"


@dataclass
class Watch:
    """Notes replicas as they change, and pods whose containers were killed.

    A container's end is seen while its pod is still there; one that goes at once is not.
    """

    place: Place
    replicas: list[tuple[float, int]] = field(default_factory=list)
    """Unix time and count."""
    _seen: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the body runs."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_S):
            count = self.place.replicas
            if not self.replicas or self.replicas[-1][1] != count:
                self.replicas.append((now(), count))
            for pod in self.place.target.pods():
                self._note(pod)

    def _note(self, pod: Object) -> None:
        name = pod["metadata"]["name"]
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            ended = (status.get("state") or {}).get("terminated") or {}
            if ended.get("exitCode") == _KILLED and name not in self._seen:
                self._seen.add(name)
                self.place.ledger.ended_worker(name, -signal.SIGKILL)


def kill_processes(pods: list[str]) -> None:
    """SIGKILL the main processes of pods, and whatever they started."""
    for process in psutil.process_iter(["environ"]):
        named = (process.info["environ"] or {}).get("POD_NAME")
        if named in pods:
            process.kill()
    time.sleep(_LOOK_S)
