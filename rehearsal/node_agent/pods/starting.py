"""Starts a container: after its back-off, once everything that it names is there."""

import os
import time
import uuid

from rehearsal.node_agent.api.errors import ApiError
from rehearsal.node_agent.pods.handle import ContainerHandle
from rehearsal.node_agent.pods.preparation import Prepared
from rehearsal.node_agent.pods.process import LocalProcess
from rehearsal.node_agent.rules.back_off import BackOff
from rehearsal.node_agent.rules.ends import start_failed
from rehearsal.node_agent.rules.errors import ContainerConfigError, UnknownImageError
from rehearsal.node_agent.rules.images import repository_of
from rehearsal.node_agent.rules.records import Running, Terminated, Waiting

_RETRY_S = 2.0


class Starter:
    """Starts one container again and again; it remembers the back-off between the runs."""

    def __init__(self, handle: ContainerHandle) -> None:
        self._handle = handle
        self._runtime = handle.runtime
        self._back_off = BackOff()

    async def start(self) -> LocalProcess | None:
        """One attempt; None if it has to be made again, unless the container is over by then."""
        await self._sit_out_back_off()
        if self._handle.is_over:
            return None
        await self._await_image()
        if self._handle.is_over:
            return None
        try:
            prepared = await self._handle.prepared(anew=True)
        except UnknownImageError as error:
            await self._hold(self._pull_reason(), str(error))
        except ContainerConfigError as error:
            await self._hold("CreateContainerConfigError", str(error))
        except ApiError as error:
            await self._hold("ContainerCreating", f"the API server does not answer: {error}")
        else:
            return self._launch(prepared)
        return None

    def _launch(self, prepared: Prepared) -> LocalProcess | None:
        handle, runtime = self._handle, self._runtime
        now, container_id = time.time(), f"rehearsal://{uuid.uuid4().hex}"
        self._count_restart(now)
        nobody = Running(pid=0, create_time=0.0, started_at=now)
        attempt = handle.record.runs(nobody, container_id, started=False)
        log = runtime.folder.open_log(handle.container.name, attempt.restart_count)
        try:
            process = LocalProcess.start(prepared.launch, log)
        except OSError as error:
            message = f'exec: "{error.filename}": {error.strerror}'
            handle.record = attempt.ends(start_failed(message, container_id, now))
            runtime.tell("Warning", "Failed", f"Error: {message}")
            return None
        finally:
            os.close(log)
        running = Running(pid=process.pid, create_time=process.create_time, started_at=now)
        handle.record = attempt.model_copy(update={"state": running})
        runtime.tell("Normal", "Started", f"Started container {handle.container.name}")
        return process

    def _count_restart(self, now: float) -> None:
        if end := self._latest_end():
            self._back_off = self._back_off.after_restart(now, end.finished_at)

    async def _sit_out_back_off(self) -> None:
        end = self._latest_end()
        if end is None:
            return
        left = self._back_off.remaining_s(time.time(), end.finished_at)
        if left <= 0:
            return
        reason = "RunContainerError" if end.reason == "StartError" else "CrashLoopBackOff"
        name, pod = self._handle.container.name, self._runtime.pod.key
        delay = f"{self._back_off.delay_s:.0f}s"
        message = f"back-off {delay} restarting failed container={name} pod={pod}"
        self._handle.record = self._handle.record.waits(reason, message)
        told = f"Back-off restarting failed container {name} in pod {pod}"
        self._runtime.tell("Warning", "BackOff", told)
        await self._runtime.pause(left)

    async def _await_image(self) -> None:
        runtime, image = self._runtime, self._handle.container.image
        node, repository = runtime.pod.spec.node_name, repository_of(image)
        left_s = runtime.services.pulls.remaining_s(node, repository)
        if left_s <= 0:
            return
        self._handle.record = self._handle.record.waits("ContainerCreating", "")
        runtime.tell("Normal", "Pulling", f'Pulling image "{image}"')
        await runtime.pause(left_s)
        told = f'Successfully pulled image "{image}" (a stand-in: a wait of {left_s:.0f} s)'
        runtime.tell("Normal", "Pulled", told)

    async def _hold(self, reason: str, message: str) -> None:
        self._handle.record = self._handle.record.waits(reason, message)
        self._runtime.tell("Warning", "Failed", f"Error: {message}")
        await self._runtime.pause(_RETRY_S)

    def _pull_reason(self) -> str:
        state = self._handle.record.state
        tried = isinstance(state, Waiting) and state.reason.endswith(("Pull", "PullBackOff"))
        return "ImagePullBackOff" if tried else "ErrImagePull"

    def _latest_end(self) -> Terminated | None:
        record = self._handle.record
        return record.state if isinstance(record.state, Terminated) else record.last
