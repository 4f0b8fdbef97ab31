"""Waits until a provisioned fleet is ready for tasks, or says what is not and why."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import quote

from fleet import fleet_state
from fleet.fleet_state import FleetState, PodTrouble, Replicas
from fleet.kubernetes import Cluster
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError

_LIMIT_S = 90.0
# A new Deployment begins with one replica; a cooldown and a KEDA poll later it is at rest.
_REST_LIMIT_S = 40.0
_POLL_S = 0.3


def wait(
    cluster: Cluster, config: FleetConfig, logs: Path, report: Callable[[str], None]
) -> FleetState:
    """Wait until API, beat, janitor and scalers are ready, and workers with a minimum have it.

    Raises:
        RehearsalError: naming what is not ready after 90 s.

    """
    deadline = time.monotonic() + _LIMIT_S
    while True:
        state = fleet_state.read(cluster, config.namespace)
        missing = list(unready(state, config))
        if not missing:
            return state
        if time.monotonic() > deadline:
            troubles = fleet_state.troubled_pods(cluster, config.namespace)
            raise _not_ready(missing, troubles, logs, config)
        report(f"waiting for {missing[0]}")
        time.sleep(_POLL_S)


def rest(cluster: Cluster, config: FleetConfig, report: Callable[[str], None]) -> bool:
    """Wait until each worker is at its minimum; False if they have other work to do."""
    deadline = time.monotonic() + _REST_LIMIT_S
    while busy := list(above_minimum(fleet_state.read(cluster, config.namespace))):
        if time.monotonic() > deadline:
            return False
        report(f"waiting for KEDA to take {', '.join(busy)} down")
        time.sleep(_POLL_S)
    return True


def above_minimum(state: FleetState) -> Iterator[str]:
    """Name the workers that have more replicas than they keep."""
    for worker in state.workers:
        if max(worker.replicas.desired, worker.replicas.ready) > worker.min_replicas:
            yield worker.name


def unready(state: FleetState, config: FleetConfig) -> Iterator[str]:
    """Name what a task would miss now."""
    for name, replicas in state.singles.items():
        yield from _unready_deployment(name, replicas)
    workers = {worker.name: worker for worker in state.workers}
    for name in config.workers:
        worker = workers.get(name)
        if worker is None:
            yield f"worker {name}: it does not exist"
        elif worker.scaler_problem is not None:
            yield f"the scaler of worker {name}: {worker.scaler_problem}"
        elif worker.replicas.ready < worker.min_replicas:
            yield f"worker {name}: {worker.replicas.ready} of {worker.min_replicas} replicas"


def _unready_deployment(name: str, replicas: Replicas | None) -> Iterator[str]:
    if replicas is None:
        yield f"{name}: it does not exist"
    elif not replicas.settled:
        yield f"{name}: {replicas.ready} of {replicas.desired} pods are ready"


def _not_ready(
    missing: list[str], troubles: list[PodTrouble], logs: Path, config: FleetConfig
) -> RehearsalError:
    pods = [f"pod {t.pod}: {t.reason} (restarts: {t.restarts})" for t in troubles]
    return RehearsalError(
        what=f"the fleet is not ready after {_LIMIT_S:.0f} s",
        why="; ".join([*missing, *pods]),
        mend=_mend(config),
        where=f"namespace {config.namespace}" if config.preview else logs,
    )


def _mend(config: FleetConfig) -> str:
    """By the commands that know the stack: a preview may be on anybody's cluster."""
    if config.preview is None:
        again = "`make up`" if config.tier == "local" else "the same command"
        return f"read the pods' logs there, or ask `fleet doctor`; then run {again} again"
    own = f"--branch {quote(config.preview.branch)} --base {config.preview.base}"
    return (
        f"read its pods' logs: fleet preview logs {config.namespace}; then run "
        f"`fleet preview up {own}` again with the options that it had"
    )
