"""One container of a pod, and its place in the pod's record."""

from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.pods.preparation import Prepared, prepare
from rehearsal.node_agent.pods.runtime import PodRuntime
from rehearsal.node_agent.rules.records import ContainerRecord, Terminated
from rehearsal.node_agent.rules.restart import runs_again


class ContainerHandle:
    """What the parts that start, attend and end a container have in common."""

    def __init__(self, container: Container, runtime: PodRuntime) -> None:
        self.container = container
        self.runtime = runtime
        self._prepared: Prepared | None = None

    @property
    def record(self) -> ContainerRecord:
        return self.runtime.record.container(self.container.name)

    @record.setter
    def record(self, record: ContainerRecord) -> None:
        self.runtime.set_container(record)

    @property
    def mark(self) -> str:
        """What marks the container's processes."""
        return str(self.runtime.folder.path / self.container.name)

    @property
    def is_over(self) -> bool:
        """It will not be started again."""
        if self.runtime.stopping.is_set():
            return True
        record, policy = self.record, self.runtime.pod.spec.restart_policy
        end = record.state
        return isinstance(end, Terminated) and not runs_again(
            policy, end.exit_code, init=record.init
        )

    async def prepared(self, *, anew: bool = False) -> Prepared:
        """The command and mounts of this run; an adopted process has them put together again."""
        if anew or self._prepared is None:
            self._prepared = await prepare(self.container, self.runtime)
        return self._prepared
