"""The order and the effect of a container's probes."""

import asyncio
import time
from typing import Any

import pytest

from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.model.probe import Probe
from rehearsal.node_agent.pods.actions import Outcome, port_number
from rehearsal.node_agent.pods.probing import Prober
from tests.unit.node_agent_pods import container

AT_ONCE = {"periodSeconds": 0, "exec": {"command": ["true"]}}


class Diary:
    """Writes down what a prober does to its container."""

    def __init__(self, own: Container, **results: str) -> None:
        self._kinds = {
            id(own.startup_probe): "startup",
            id(own.readiness_probe): "readiness",
            id(own.liveness_probe): "liveness",
        }
        self._results = {kind: list(marks) for kind, marks in results.items()}
        self.entries: list[str] = []

    async def check(self, probe: Probe) -> Outcome:
        kind = self._kinds[id(probe)]
        if not self._results.get(kind):
            await asyncio.Event().wait()
        return Outcome(passed=self._results[kind].pop(0) == "+")

    def set_ready(self, *, ready: bool) -> None:
        self.entries.append("ready" if ready else "unready")

    def set_started(self) -> None:
        self.entries.append("started")

    def tell_unhealthy(self, kind: str, outcome: Outcome) -> None:
        assert not outcome.passed
        self.entries.append(f"{kind} failed")

    def restart_unhealthy(self, kind: str, probe: Probe) -> None:
        assert probe.exec
        self.entries.append(f"restart for {kind}")


def entries(own: Container, *, started: bool = False, **results: str) -> list[str]:
    """What is done with the results, `+` or `-` for each check, until they are used up."""

    async def run() -> list[str]:
        diary = Diary(own, **results)
        prober = Prober(own, diary, diary.check, started_at=time.time())
        await asyncio.wait([asyncio.create_task(prober.run(started=started))], timeout=0.05)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return diary.entries

    return asyncio.run(run())


def probed(**thresholds: dict[str, Any]) -> Container:
    return container(**{f"{kind}Probe": {**AT_ONCE, **own} for kind, own in thresholds.items()})


def test_without_probes_a_running_container_is_ready() -> None:
    assert entries(container()) == ["started", "ready"]


def test_readiness_comes_and_goes_with_its_probe() -> None:
    own = probed(readiness={"failureThreshold": 2})

    assert entries(own, readiness="-+--+") == [
        "started",
        "Readiness failed",
        "ready",
        "Readiness failed",
        "Readiness failed",
        "unready",
        "ready",
    ]


def test_no_other_probe_runs_before_startup_has_passed() -> None:
    own = probed(startup={"failureThreshold": 3}, liveness={}, readiness={})

    assert entries(own, startup="--+", readiness="+", liveness="") == [
        "Startup failed",
        "Startup failed",
        "started",
        "ready",
    ]


def test_startup_that_fails_restarts_the_container() -> None:
    own = probed(startup={"failureThreshold": 2})

    assert entries(own, startup="--")[-1] == "restart for startup"


def test_liveness_restarts_the_container_at_its_threshold_once() -> None:
    own = probed(liveness={"failureThreshold": 2})

    found = entries(own, liveness="-+--+--")

    assert found[2:] == ["Liveness failed"] * 3 + ["restart for liveness"]


def test_an_adopted_container_that_had_started_is_not_started_again() -> None:
    own = probed(startup={"failureThreshold": 1})

    assert entries(own, started=True, startup="-") == ["started", "ready"]


def test_a_probe_waits_for_its_initial_delay() -> None:
    assert entries(probed(liveness={"initialDelaySeconds": 60}), liveness="-") == [
        "started",
        "ready",
    ]


def test_a_named_port_is_the_containers() -> None:
    own = container(ports=[{"name": "http", "containerPort": 8000}])

    assert port_number("http", own) == 8000
    assert port_number("81", own) == 81
    assert port_number(82, own) == 82
    with pytest.raises(LookupError, match="no port named metrics"):
        port_number("metrics", own)
