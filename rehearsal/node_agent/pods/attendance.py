"""Attends one run of a container: probes it, and ends it when its pod or a probe asks to."""

import asyncio
import time

from rehearsal.node_agent.api.errors import ApiError
from rehearsal.node_agent.model.probe import Hook, Probe
from rehearsal.node_agent.pods.actions import Outcome, Target
from rehearsal.node_agent.pods.ending import end_process
from rehearsal.node_agent.pods.handle import ContainerHandle
from rehearsal.node_agent.pods.probing import Prober
from rehearsal.node_agent.pods.process import LocalProcess
from rehearsal.node_agent.rules.errors import ContainerConfigError, UnknownImageError
from rehearsal.node_agent.rules.launch import Launch, hook_arguments, probe_arguments
from rehearsal.node_agent.rules.records import Running


class Attendance:
    """One run, from the start of its process to the exit."""

    def __init__(self, handle: ContainerHandle, process: LocalProcess) -> None:
        self._handle = handle
        self._runtime = handle.runtime
        self._container = handle.container
        self._process = process
        self._unhealthy = asyncio.Event()
        self._restart_by = float("inf")

    async def probe(self) -> None:
        record = self._handle.record
        started_at = record.state.started_at if isinstance(record.state, Running) else 0.0
        prober = Prober(self._container, self, self._check, started_at)
        await prober.run(started=record.started)

    async def end_when_asked(self) -> None:
        asked = [
            asyncio.ensure_future(self._runtime.stopping.wait()),
            asyncio.ensure_future(self._unhealthy.wait()),
        ]
        try:
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in asked:
                waiter.cancel()
        if self._runtime.stopping.is_set():
            self._runtime.tell("Normal", "Killing", f"Stopping container {self._container.name}")
        await end_process(self._process, self._deadline_at, self._run_hook)

    def set_ready(self, *, ready: bool) -> None:
        record = self._handle.record
        self._handle.record = record.probed(ready=ready, started=record.started)

    def set_started(self) -> None:
        record = self._handle.record
        self._handle.record = record.probed(ready=record.ready, started=True)

    def tell_unhealthy(self, kind: str, outcome: Outcome) -> None:
        self._runtime.tell("Warning", "Unhealthy", f"{kind} probe failed: {outcome.message}")

    def restart_unhealthy(self, kind: str, probe: Probe) -> None:
        if self._runtime.stopping.is_set():
            return
        name = self._container.name
        message = f"Container {name} failed {kind} probe, will be restarted"
        self._runtime.tell("Normal", "Killing", message)
        grace_s = probe.termination_grace_period_seconds
        if grace_s is None:
            grace_s = self._runtime.pod.spec.termination_grace_period_seconds
        self._restart_by = time.time() + grace_s
        self._unhealthy.set()

    def _deadline_at(self) -> float:
        return min(self._runtime.deadline_at, self._restart_by)

    async def _run_hook(self, left_s: float) -> None:
        hook = self._container.lifecycle.pre_stop
        if hook is None:
            return
        if hook.sleep:
            await self._process.exits_within(min(left_s, hook.sleep.seconds))
            return
        outcome = await self._act(hook, left_s)
        if not outcome.passed:
            message = f"PreStopHook failed: {outcome.message}"
            self._runtime.tell("Warning", "FailedPreStopHook", message)

    async def _check(self, probe: Probe) -> Outcome:
        return await self._act(probe, probe.timeout_seconds)

    async def _act(self, action: Probe | Hook, timeout_s: float) -> Outcome:
        try:
            command = await self._command(action)
        except (ApiError, ContainerConfigError, UnknownImageError) as error:
            return Outcome(passed=False, message=f"the command cannot be put together: {error}")
        target = Target(self._container, self._runtime.record.ip, command)
        return await self._runtime.services.actions.run(action, target, timeout_s)

    async def _command(self, action: Probe | Hook) -> Launch | None:
        if action.exec is None:
            return None
        prepared = await self._handle.prepared()
        command = action.exec.command
        if isinstance(action, Probe):
            argv = probe_arguments(self._container, command, prepared.mounts)
        else:
            argv = hook_arguments(command, prepared.mounts)
        return prepared.launch.running(argv)
