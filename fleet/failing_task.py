"""Errors about a task of the demonstration, with its worker and where that one's log lies."""

from fnmatch import fnmatchcase

from fleet import fleet_state
from fleet.session import Session
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout


def failed(session: Session, task: str, task_id: str, error: str | None) -> RehearsalError:
    """Tell that a task raised."""
    return RehearsalError(
        what=f"task {task} ({task_id}) failed",
        why=error or "it gave no reason",
        mend="read its worker's log, mend the cause, then run `make up` again",
        where=_logs(session, task),
    )


def unfinished(session: Session, task: str, task_id: str, limit_s: float) -> RehearsalError:
    """Tell that a task has no result, and how its queue and worker are."""
    worker = worker_of(session.config, task)
    replicas = fleet_state.worker_replicas(session.cluster, session.config.namespace, worker)
    ready = "none" if replicas is None else f"{replicas.ready} of {replicas.desired}"
    troubles = fleet_state.troubled_pods(session.cluster, session.config.namespace)
    pods = [f"; pod {trouble.pod}: {trouble.reason}" for trouble in troubles]
    return RehearsalError(
        what=f"task {task} ({task_id}) has not finished within {limit_s:.0f} s",
        why=f"worker {worker} has {ready} replicas ready{''.join(pods)}",
        mend="see `fleet status` and `fleet doctor`, then run `make up` again",
        where=_logs(session, task),
    )


def worker_of(config: FleetConfig, task: str) -> str:
    """Return the worker that serves a task's queue; unrouted tasks go to the first queue."""
    routed = {
        route: queue
        for queue, spec in config.queues.items()
        for route in spec.routes
        if fnmatchcase(task, route)
    }
    # The most specific route, as the image has it: a route's only glob is a `*` at its end.
    queue = routed[max(routed, key=len)] if routed else next(iter(config.queues))
    return next(name for name, worker in config.workers.items() if queue in worker.queues)


def _logs(session: Session, task: str) -> str:
    pods = Layout(session.project.rehearsal).pods
    return f"{pods}, pods worker-{worker_of(session.config, task)}-*"
