"""`fleet status`: each queue's work and worker at one moment."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from fleet import fleet_state
from fleet.api_client import QueueStatistics
from fleet.fleet_state import FleetState, PodTrouble, Replicas
from fleet.session import Session
from fleet.status_table import backlogs, queue_table
from rehearsal.errors import RehearsalError
from rehearsal.supervisor import client as supervisor
from rehearsal.supervisor.status import RehearsalStatus


@dataclass(frozen=True)
class Snapshot:
    """Everything that `fleet status` shows."""

    stack: str
    namespace: str
    state: FleetState
    queues: Mapping[str, QueueStatistics]
    notices: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return asdict(self)


def take(session: Session) -> Snapshot:
    """Read cluster, API and supervisor once.

    Raises:
        RehearsalError: where nothing runs.

    """
    namespace = session.config.namespace
    state = fleet_state.read(session.cluster, namespace)
    troubles = fleet_state.troubled_pods(session.cluster, namespace)
    rehearsed = session.elsewhere is None
    stage = supervisor.status(session.project.rehearsal) if rehearsed else None
    queues = session.api.queues()
    notices = [
        *(process_notices(stage) if stage is not None else ()),
        *fleet_notices(state, troubles),
        *backlogs(state, queues),
    ]
    return Snapshot(session.stack, namespace, state, queues, tuple(notices))


def fleet_notices(state: FleetState, troubles: list[PodTrouble]) -> Iterator[str]:
    """Say what an operator should know about besides the numbers."""
    for name, replicas in state.singles.items():
        if replicas is None:
            yield f"{name} is not deployed"
        elif replicas.ready < replicas.desired:
            yield f"{name}: {replicas.ready} of {replicas.desired} pods are ready"
    for worker in state.workers:
        if worker.paused:
            yield f"the scaler of worker {worker.name} is paused, by its ScaledObject's annotation"
        elif worker.scaler_problem is not None:
            yield f"the scaler of worker {worker.name} is not ready: {worker.scaler_problem}"
    for trouble in troubles:
        yield f"pod {trouble.pod}: {trouble.reason} (restarts: {trouble.restarts})"


def render(snapshot: Snapshot) -> RenderableType:
    """Lay a snapshot out for a terminal."""
    fleet = snapshot.state
    title = f"stack {snapshot.stack}, namespace {snapshot.namespace}"
    table = queue_table(title, fleet, snapshot.queues)
    told = (f"{name} {_told(replicas)}" for name, replicas in fleet.singles.items())
    others = Text("   ".join(told), style="dim")
    notices = [Text(f"! {notice}", style="yellow") for notice in snapshot.notices]
    return Group(table, others, *notices)


def watch(session: Session, console: Console, period_s: float) -> None:
    """Redraw the table until Ctrl-C; an outage is shown, not fatal."""
    with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
        while True:
            try:
                view = render(take(session))
            except RehearsalError as error:
                view = Text(str(error), style="red")
            live.update(view, refresh=True)
            time.sleep(period_s)


def _told(replicas: Replicas | None) -> str:
    return "absent" if replicas is None else f"{replicas.ready}/{replicas.desired}"


def process_notices(stage: RehearsalStatus) -> Iterator[str]:
    """Say which of the rehearsal's processes died, and what became of them."""
    if stage.problem is not None:
        yield f"rehearsal: {stage.problem}"
    for process in stage.processes:
        if process.pid is None:
            yield f"{process.name} does not run ({process.state}); log: {process.log}"
        elif process.restarts:
            times = f"{process.restarts} times" if process.restarts > 1 else "once"
            ended = f" (last: {process.last_exit})" if process.last_exit else ""
            yield f"{process.name} died and was restarted {times}{ended}; log: {process.log}"
