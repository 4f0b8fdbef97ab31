"""One pod while it is on its node: the state that its containers and its reporter share."""

import asyncio
import time

from rehearsal.node_agent.api.events import Severity
from rehearsal.node_agent.model.pod import Container, Pod
from rehearsal.node_agent.pods.pod_folder import PodFolder
from rehearsal.node_agent.pods.services import Services
from rehearsal.node_agent.pods.volumes import Volumes
from rehearsal.node_agent.rules.downward import PodFacts
from rehearsal.node_agent.rules.node_status import HOST_IP
from rehearsal.node_agent.rules.pod_status import PodView
from rehearsal.node_agent.rules.records import ContainerRecord, PodRecord


class PodRuntime:
    """A pod's state; every change is written to its folder and wakes the reporter."""

    def __init__(
        self,
        pod: Pod,
        record: PodRecord,
        folder: PodFolder,
        services: Services,
        *,
        adopted: bool,
    ) -> None:
        self.pod = pod
        self.record = record
        self.folder = folder
        self.services = services
        self.adopted = adopted
        """An earlier agent ran the pod; its processes may still be there."""
        self.changed = asyncio.Event()
        self.stopping = asyncio.Event()
        self.deadline_at = float("inf")
        """When what still runs is killed, seconds since the epoch."""
        self.finished = False
        """No container runs or will run again."""

    @property
    def volumes(self) -> Volumes:
        return self.record.volumes or {}

    def set_volumes(self, volumes: Volumes) -> None:
        self._keep(self.record.model_copy(update={"volumes": volumes}))

    def set_container(self, record: ContainerRecord) -> None:
        self._keep(self.record.with_container(record))

    def stop(self, deadline_at: float) -> None:
        """Begin the end, or bring a begun one forward; a deadline is never put off."""
        self.deadline_at = min(self.deadline_at, deadline_at)
        self.stopping.set()
        self.changed.set()

    def finish(self) -> None:
        self.finished = True
        self.changed.set()

    def _keep(self, record: PodRecord) -> None:
        if record != self.record:
            self.record = record
            self.folder.write_record(record)
            self.changed.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the pod is to stop."""
        waiter = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait([waiter], timeout=seconds)
        finally:
            waiter.cancel()

    def facts(self) -> PodFacts:
        allocatable = self.services.allocatable(self.pod.spec.node_name)
        return PodFacts(self.pod, self.record.ip, HOST_IP, allocatable)

    def view(self) -> PodView:
        return PodView(self.pod, self.record, HOST_IP, self.stopping.is_set(), self.finished)

    def tell(self, severity: Severity, reason: str, message: str) -> None:
        self.services.events.tell(self.pod.metadata, severity, reason, message)


def new_record(pod: Pod, ip: str) -> PodRecord:
    """A pod that has just arrived."""
    meta, spec = pod.metadata, pod.spec
    return PodRecord(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        ip=ip,
        started_at=time.time(),
        containers=(
            *(_container(c, init=True) for c in spec.init_containers),
            *(_container(c, init=False) for c in spec.containers),
        ),
    )


def _container(container: Container, *, init: bool) -> ContainerRecord:
    return ContainerRecord(name=container.name, image=container.image, init=init)
