"""One pod's whole stay on its node, from its arrival to its removal."""

import asyncio
import logging
import random
import time

from rehearsal.node_agent.api.errors import ApiError
from rehearsal.node_agent.model.pod import Pod
from rehearsal.node_agent.pods.container import ContainerRunner
from rehearsal.node_agent.pods.farewell import confirm_deletion
from rehearsal.node_agent.pods.reporter import StatusReporter
from rehearsal.node_agent.pods.runtime import PodRuntime
from rehearsal.node_agent.rules.deletion import deadline_at, deadline_of_removed
from rehearsal.node_agent.rules.errors import ContainerConfigError
from rehearsal.node_agent.rules.support import refusals
from rehearsal.node_agent.rules.volume_files import is_refreshed

_RETRY_S = 2.0
# The kubelet's own delay is its sync period of a minute plus a cache's life.
_REFRESH_S = 45.0

_log = logging.getLogger(__name__)


class PodWorker:
    """Runs one pod; all of its containers' tasks end with it."""

    def __init__(self, runtime: PodRuntime) -> None:
        self._runtime = runtime
        self._reporter = StatusReporter(runtime)
        self._gone = False
        self._suspended = False

    @property
    def runtime(self) -> PodRuntime:
        return self._runtime

    def update(self, pod: Pod) -> None:
        """The pod has changed on the server; only its end and its gates matter here."""
        gates_moved = pod.status.conditions != self._runtime.pod.status.conditions
        self._runtime.pod = pod
        if pod.metadata.deletion_timestamp:
            self._runtime.stop(deadline_at(pod.metadata, time.time()))
        elif pod.spec.readiness_gates and gates_moved:
            self._runtime.changed.set()

    def removed(self, pod: Pod) -> None:
        """The pod is no longer on the server: it was deleted by force, or its node was."""
        self._gone = True
        self._runtime.stop(deadline_of_removed(pod, time.time()))

    def suspend(self, limit_s: float) -> None:
        """Stop the processes, but keep the pod: the agent will start them again."""
        self._suspended = True
        grace_s = self._runtime.pod.spec.termination_grace_period_seconds
        self._runtime.stop(time.time() + min(grace_s, limit_s))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as duties:
            company = [
                duties.create_task(self._reporter.run()),
                duties.create_task(self._refresh_volumes()),
            ]
            await self._live()
            if not self._suspended:
                self._runtime.finish()
            await self._runtime.stopping.wait()
            for task in company:
                task.cancel()
        await self._take_leave()

    async def _live(self) -> None:
        """Run the containers; returns when none runs or will run again."""
        runtime = self._runtime
        runtime.changed.set()
        spec = runtime.pod.spec
        if await self._is_refused() or not await self._has_volumes():
            return
        for container in spec.init_containers:
            runner = ContainerRunner(container, runtime)
            await runner.run()
            if not runner.succeeded:
                return
        async with asyncio.TaskGroup() as mains:
            for container in spec.containers:
                mains.create_task(ContainerRunner(container, runtime).run())

    async def _is_refused(self) -> bool:
        reasons = refusals(self._runtime.pod.spec)
        if not reasons:
            return False
        message = "; ".join(reasons)
        self._hold("Unsupported", message)
        self._runtime.tell("Warning", "Unsupported", message)
        await self._runtime.stopping.wait()
        return True

    async def _has_volumes(self) -> bool:
        runtime = self._runtime
        # What an earlier agent laid out is used as it is: its processes must not wait for the API.
        while runtime.record.volumes is None and not runtime.stopping.is_set():
            try:
                await self._lay_out()
            except ContainerConfigError as error:
                self._hold("ContainerCreating", str(error))
                runtime.tell("Warning", "FailedMount", str(error))
                await runtime.pause(_RETRY_S)
            except ApiError as error:
                _log.warning("volumes of pod %s: %s", runtime.pod.key, error)
                await runtime.pause(_RETRY_S)
        return runtime.record.volumes is not None

    async def _lay_out(self) -> None:
        runtime = self._runtime
        layer = runtime.services.volumes
        runtime.set_volumes(await layer.lay_out(runtime.facts(), runtime.folder))

    def _hold(self, reason: str, message: str) -> None:
        for record in self._runtime.record.containers:
            self._runtime.set_container(record.waits(reason, message))

    async def _refresh_volumes(self) -> None:
        if not any(is_refreshed(volume) for volume in self._runtime.pod.spec.volumes):
            return
        while not self._runtime.finished:
            # Spread out: pods that started together need not all ask together.
            await asyncio.sleep(_REFRESH_S * random.uniform(0.7, 1.0))  # noqa: S311 - no secret
            if self._runtime.record.volumes is None:
                continue
            try:
                await self._lay_out()
            except (ContainerConfigError, ApiError) as error:
                _log.warning("volumes of pod %s stay as they are: %s", self._runtime.pod.key, error)

    async def _take_leave(self) -> None:
        if self._suspended and not self._runtime.pod.metadata.deletion_timestamp:
            await self._reporter.report()
            return
        if not self._gone:
            await self._reporter.report()
            await confirm_deletion(self._runtime.services.api, self._runtime.pod.metadata)
        self._runtime.folder.remove()
