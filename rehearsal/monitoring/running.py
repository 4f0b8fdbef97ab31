"""Starts the programs that watch a stage, and ends them whatever happens."""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from rehearsal.control_plane.ports import ADDRESS
from rehearsal.control_plane.program import Program
from rehearsal.errors import RehearsalError
from rehearsal.monitoring import programs
from rehearsal.monitoring.scraping import Object, Target, pod_scrape, static_scrape
from rehearsal.supervisor.news import describe_log
from rehearsal.supervisor.port_choice import free_ports
from rehearsal.supervisor.spawning import describe_exit, spawn
from rehearsal.toolchain import MonitoringTools

_READY_S = 30.0
_POLL_S = 0.1
_READY = "/-/ready"
KUBE_STATE_METRICS = "kube-state-metrics"


@dataclass(frozen=True)
class Watch:
    """What is watched, how often, and what is told of it."""

    kubeconfig: Path
    monitors: tuple[Object, ...]
    """PodMonitors, as the API returns them."""
    targets: tuple[Target, ...]
    """Beside the pods, and beside kube-state-metrics, which is always there."""
    interval_s: float
    """Between two scrapes, and between two evaluations of the rules."""
    alertmanager_file: Path
    rules: Path | None = None


@dataclass(frozen=True)
class Monitoring:
    """Running programs."""

    prometheus_url: str
    alertmanager_url: str
    kube_state_metrics_url: str
    process_ids: Mapping[str, int]
    """By the program's name."""

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return an instant query's samples: `metric` and `value` each."""
        answer = _ask(f"{self.prometheus_url}/api/v1/query", {"query": expression})
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Return what is pending or firing in Prometheus."""
        found: list[dict[str, Any]] = _ask(f"{self.prometheus_url}/api/v1/alerts")["data"]["alerts"]
        return found


@contextmanager
def watching(watch: Watch, tools: MonitoringTools, folder: Path) -> Iterator[Monitoring]:
    """Run the programs, ready, on loopback; logs and series lie in the folder.

    Raises:
        RehearsalError: one of them ends or is not ready in time.

    """
    states, own, telling, serving = free_ports(4)
    config = programs.prometheus_file(
        folder, _scrapes(watch, states), watch.rules, telling, watch.interval_s
    )
    started = (
        (programs.kube_state_metrics(tools, watch.kubeconfig, states, own), states, "/healthz"),
        (programs.alertmanager(tools, folder, watch.alertmanager_file, telling), telling, _READY),
        (programs.prometheus(tools, folder, config, serving), serving, _READY),
    )
    with ExitStack() as running:
        ids = {}
        for program, port, path in started:
            log = folder / f"{program.name}.log"
            process = running.enter_context(_process(program, log))
            _await(program.name, process, f"http://{ADDRESS}:{port}{path}", log)
            ids[program.name] = process.pid
        yield Monitoring(
            prometheus_url=f"http://{ADDRESS}:{serving}",
            alertmanager_url=f"http://{ADDRESS}:{telling}",
            kube_state_metrics_url=f"http://{ADDRESS}:{states}",
            process_ids=ids,
        )


def _scrapes(watch: Watch, states_port: int) -> list[dict[str, Any]]:
    states = Target(KUBE_STATE_METRICS, f"{ADDRESS}:{states_port}", honors_labels=True)
    scrapes = [static_scrape(each, watch.interval_s) for each in (states, *watch.targets)]
    for monitor in watch.monitors:
        scrapes += pod_scrape(monitor, watch.kubeconfig, watch.interval_s)
    return scrapes


@contextmanager
def _process(program: Program, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = spawn(program, log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(program.stop_grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(name: str, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while not _answers(url):
        ended = process.poll() is not None
        if not ended and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            continue
        why = describe_exit(process.returncode) if ended else f"not ready in {_READY_S:g} s"
        raise RehearsalError(
            what=f"{name} does not start",
            why=f"{why}; {describe_log(log)}",
            mend="read the log and mend its cause",
            where=log,
        )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=30).is_success
    except httpx.HTTPError:
        return False


def _ask(url: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    answer = httpx.get(url, params=query, trust_env=False, timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
