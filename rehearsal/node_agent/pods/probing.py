"""Probes a running container: startup first, then readiness and liveness side by side."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.model.probe import Probe
from rehearsal.node_agent.pods.actions import Outcome
from rehearsal.node_agent.rules.probe_streak import Streak

Check = Callable[[Probe], Awaitable[Outcome]]


class Probed(Protocol):
    """What probes act on."""

    def set_ready(self, *, ready: bool) -> None: ...

    def set_started(self) -> None: ...

    def tell_unhealthy(self, kind: str, outcome: Outcome) -> None: ...

    def restart_unhealthy(self, kind: str, probe: Probe) -> None: ...


@dataclass(frozen=True)
class Prober:
    """The probes of one run of a container."""

    container: Container
    probed: Probed
    check: Check
    started_at: float
    """When the container's process started; initial delays count from here."""

    async def run(self, *, started: bool) -> None:
        """Probe until cancelled or until the container has to be restarted."""
        if not started and not await self._has_started():
            return
        self.probed.set_started()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._readiness())
            both.create_task(self._liveness())

    async def _has_started(self) -> bool:
        probe = self.container.startup_probe
        if probe is None:
            return True
        verdict = await self._first_verdict("Startup", probe, awaited=None)
        if not verdict:
            self.probed.restart_unhealthy("startup", probe)
        return verdict

    async def _liveness(self) -> None:
        if probe := self.container.liveness_probe:
            await self._first_verdict("Liveness", probe, awaited=False)
            self.probed.restart_unhealthy("liveness", probe)

    async def _readiness(self) -> None:
        probe = self.container.readiness_probe
        if probe is None:
            self.probed.set_ready(ready=True)
            return
        async with aclosing(self._verdicts("Readiness", probe)) as verdicts:
            async for verdict in verdicts:
                self.probed.set_ready(ready=verdict)

    async def _first_verdict(self, kind: str, probe: Probe, *, awaited: bool | None) -> bool:
        """The first verdict that equals `awaited`; any verdict if that is None."""
        async with aclosing(self._verdicts(kind, probe)) as verdicts:
            async for verdict in verdicts:
                if awaited is None or verdict == awaited:
                    return verdict
        raise AssertionError("verdicts go on until they are closed")

    async def _verdicts(self, kind: str, probe: Probe) -> AsyncGenerator[bool, None]:
        await asyncio.sleep(self.started_at + probe.initial_delay_seconds - time.time())
        streak = Streak()
        while True:
            began = time.monotonic()
            outcome = await self.check(probe)
            if not outcome.passed:
                self.probed.tell_unhealthy(kind, outcome)
            streak = streak.then(passed=outcome.passed)
            verdict = streak.verdict(probe)
            if verdict is not None:
                yield verdict
            await asyncio.sleep(began + probe.period_seconds - time.monotonic())
