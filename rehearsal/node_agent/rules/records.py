"""The state of a pod on its node; kept in the pod's folder, it outlives the agent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Waiting(_Frozen):
    kind: Literal["waiting"] = "waiting"
    reason: str
    message: str = ""


class Running(_Frozen):
    kind: Literal["running"] = "running"
    pid: int
    create_time: float
    """The process's own, seconds since the epoch; with the pid it names one process."""
    started_at: float


class Terminated(_Frozen):
    kind: Literal["terminated"] = "terminated"
    exit_code: int
    signal: int = 0
    reason: str
    message: str = ""
    started_at: float
    finished_at: float
    container_id: str = ""


State = Annotated[Waiting | Running | Terminated, Field(discriminator="kind")]


class ContainerRecord(_Frozen):
    """One container: how it stands now and how it last ended."""

    name: str
    image: str
    init: bool = False
    state: State = Waiting(reason="ContainerCreating")
    last: Terminated | None = None
    restart_count: int = 0
    ready: bool = False
    started: bool = False
    """The startup probe has passed, or there is none and the container runs."""
    container_id: str = ""

    def waits(self, reason: str, message: str = "") -> "ContainerRecord":
        return self._moved(
            Waiting(reason=reason, message=message), self._latest_end(), started=False
        )

    def runs(self, state: Running, container_id: str, *, started: bool) -> "ContainerRecord":
        last = self._latest_end()
        moved = self._moved(state, last, started=started)
        restarts = self.restart_count + (last is not None)
        return moved.model_copy(update={"container_id": container_id, "restart_count": restarts})

    def ends(self, state: Terminated) -> "ContainerRecord":
        return self._moved(state, self._latest_end(), started=False)

    def probed(self, *, ready: bool, started: bool) -> "ContainerRecord":
        return self.model_copy(update={"ready": ready, "started": started})

    def _latest_end(self) -> Terminated | None:
        return self.state if isinstance(self.state, Terminated) else self.last

    def _moved(self, state: State, last: Terminated | None, *, started: bool) -> "ContainerRecord":
        changes = {"state": state, "last": last, "ready": False, "started": started}
        return self.model_copy(update=changes)


class PodRecord(_Frozen):
    """One pod as its node knows it."""

    namespace: str
    name: str
    uid: str
    ip: str
    started_at: float
    containers: tuple[ContainerRecord, ...]
    volumes: Mapping[str, Path] | None = None
    """Where each volume lies; None until all are laid out."""

    def container(self, name: str) -> ContainerRecord:
        return next(c for c in self.containers if c.name == name)

    def with_container(self, changed: ContainerRecord) -> "PodRecord":
        replaced = tuple(changed if c.name == changed.name else c for c in self.containers)
        return self.model_copy(update={"containers": replaced})
