"""The faults that need a cluster, each with what it does and what it undoes."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import ClassVar

from chaos.cluster.place import Place, kill_processes
from chaos.processes import frozen, wait_for
from chaos.record import Excuses

_LONG_S = 8.0
_OUTAGE_S = 25.0
_BACK_S = 60.0


@dataclass
class ClusterFault(ABC):
    """One strike; its number is that of the list of faults in the reliability notes."""

    number: ClassVar[int]
    name: ClassVar[str]
    excuses: ClassVar[Excuses] = Excuses()
    victims: list[str] = field(default_factory=list)

    def choose(self, place: Place) -> None:
        """Bring about what must be there first, and choose whom to hit."""
        place.send(8, _LONG_S)
        self.victims = []

    @abstractmethod
    def strike(self, place: Place) -> None:
        """Do the harm and undo it."""


@dataclass
class Evicted(ClusterFault):
    """A pod that runs tasks is evicted, as a drained node's are."""

    number: ClassVar[int] = 3
    name: ClassVar[str] = "eviction"

    def strike(self, place: Place) -> None:
        busy = place.await_running(2)[0].worker
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": busy, "namespace": place.target.namespace},
        }
        place.server.post(f"{place.pod(busy)}/eviction", json=body).raise_for_status()


@dataclass
class ScaledIn(ClusterFault):
    """The Deployment is scaled from several replicas to one while tasks run."""

    number: ClassVar[int] = 4
    name: ClassVar[str] = "scale-in while tasks run"

    def strike(self, place: Place) -> None:
        place.await_running(4)
        place.target.scale(1)


@dataclass
class OperatorDown(ClusterFault):
    """KEDA's operator stands still while tasks come to a queue at zero; then it goes on."""

    number: ClassVar[int] = 11
    name: ClassVar[str] = "KEDA operator down"

    def choose(self, place: Place) -> None:
        place.await_zero()

    def strike(self, place: Place) -> None:
        with frozen(place.target.layout.root, "keda-operator"):
            place.send(4, 1.0)
            time.sleep(_OUTAGE_S)
            if place.replicas:
                raise RuntimeError("a queue left zero without KEDA: the fault did not strike")
        place.await_running(1, _BACK_S)


@dataclass
class ScalerBlind(ClusterFault):
    """Redis does not answer KEDA, and KEDA alone: replicas have to stay as they are."""

    number: ClassVar[int] = 12
    name: ClassVar[str] = "Redis away for KEDA alone"
    moved: Sequence[int] = ()

    def strike(self, place: Place) -> None:
        place.await_running(4)
        frozen, seen = place.replicas, set()
        with ExitStack() as healed:
            place.scaler_view.cut()
            healed.callback(place.scaler_view.mend)
            ends = time.monotonic() + _OUTAGE_S
            while time.monotonic() < ends:
                seen.add(place.replicas)
                time.sleep(1)
        self.moved = sorted(seen - {frozen})


@dataclass
class AllDead(ClusterFault):
    """Every pod of the queue dies at once, and its Deployment is at zero."""

    number: ClassVar[int] = 23
    name: ClassVar[str] = "all workers dead"
    excuses: ClassVar[Excuses] = Excuses(victims=True)

    def choose(self, place: Place) -> None:
        place.send(3, _LONG_S)
        place.await_running(2)
        self.victims = [pod["metadata"]["name"] for pod in place.target.pods()]

    def strike(self, place: Place) -> None:
        kill_processes(self.victims)
        place.target.scale(0)
        for name in self.victims:
            place.server.request("DELETE", place.pod(name), params={"gracePeriodSeconds": 0})
        wait_for(
            lambda: any(one.worker not in self.victims for one in place.running()),
            *(_BACK_S, "KEDA wakes a worker for what the dead ones held"),
        )


CLUSTER: Sequence[type[ClusterFault]] = (Evicted, ScaledIn, OperatorDown, ScalerBlind, AllDead)
