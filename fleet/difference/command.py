"""`fleet diff`: previews, simulates what changes, asks what runs; changes nothing."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet import cluster_place, environment
from fleet.difference import figures, preview, workers
from fleet.difference.report import Live, Report, Worker, report
from fleet.difference.workers import WorkerChange
from fleet.session import Session
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError

_TOLD_LINES = 15


def run(session: Session, made: Path | None) -> Report:
    """Return what bringing the stack up would do.

    Args:
        session: the stack.
        made: a preview that was made already, by `pulumi preview --json`; None makes one.

    Raises:
        RehearsalError: the preview failed, or is not of this stack file.

    """
    where = str(made) if made else "pulumi preview --json"
    steps = preview.read(_read(made) if made else _previewed(session), where)
    found = workers.changes(steps)
    check(session.config, found, where)
    live, notes = _live(session) if steps else (None, [])
    told = [worker_told(session.config, change, live) for change in found]
    return report(steps, told, live, notes)


def check(config: FleetConfig, changes: Sequence[WorkerChange], where: str) -> None:
    """Refuse a preview of another stack file: its figures would be of neither.

    Raises:
        RehearsalError: a worker is not there, or has other bounds.

    """
    for change in changes:
        if change.op == "delete" and change.name not in config.workers:
            continue
        if change.name in config.workers:
            derived, new = plan(config, change.name), change.new
            bounds = derived.min_replicas, derived.max_replicas
            if None in (new.min_replicas, new.max_replicas):
                continue
            if bounds == (new.min_replicas, new.max_replicas):
                continue
        raise RehearsalError(
            what="the preview and the stack file do not belong together",
            why=f"they have different settings of worker {change.name}",
            mend="make the preview anew, of the same stack and checkout",
            where=where,
        )


def worker_told(config: FleetConfig, change: WorkerChange, live: Live | None) -> Worker:
    """Simulate both ends of a worker's change; `live` is None where nobody can be asked."""
    own = config.workers.get(change.name)
    serves = change.old.queues or (own.queues if own else change.new.queues or ())
    simulated = own is not None and _moves(change)
    return Worker(
        change=change,
        queues=tuple(serves),
        before=(
            figures.deployed(config, change.name, change.old)
            if simulated and change.op == "update"
            else None
        ),
        after=figures.planned(config, change.name) if simulated else None,
        in_flight=None if live is None else sum(live.in_flight.get(queue, 0) for queue in serves),
    )


def _moves(change: WorkerChange) -> bool:
    """Whether waits or cost may change; a restart alone changes neither."""
    named = {name for name, _, _ in change.differing} - {"image", "grace_s", "queues"}
    return change.op == "create" or bool(named)


def _live(session: Session) -> tuple[Live | None, list[str]]:
    """What the broker holds; a fleet that cannot be asked, or is not there yet, is no failure."""
    try:
        found = session.api.queues()
    except RehearsalError as error:
        return None, [f"tasks in flight are not known: {error.what}: {error.why}"]
    return Live(
        pending={name: each.pending for name, each in found.items()},
        in_flight={name: each.in_flight for name, each in found.items()},
    ), []


def _read(made: Path) -> str:
    try:
        return made.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RehearsalError(
            what="the preview cannot be read",
            why=str(error),
            mend="make it with: pulumi preview --json > preview.json",
            where=made,
        ) from None


def _previewed(session: Session) -> str:
    words = ["pulumi", "preview", "--json", "--non-interactive", "--stack", session.stack]
    try:
        done = subprocess.run(
            words,
            cwd=session.project.root,
            env=_environ(session),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise _failed(session, "pulumi is not on PATH") from error
    if done.returncode and not done.stdout.lstrip().startswith("{"):
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise _failed(session, "\n".join(lines[-_TOLD_LINES:]) or "it printed nothing")
    return done.stdout


def _environ(session: Session) -> Mapping[str, str]:
    """A stack of the rehearsal has its own state and tools; any other those of whoever asks.

    A preview's engine reaches the cluster by KUBECONFIG, which nobody may have named.
    """
    elsewhere = session.elsewhere
    if elsewhere is None and session.is_rehearsed:
        return {**session.environ, **environment.for_shell(session.project, session.environ)}
    if elsewhere is None or session.config.preview is None:
        return dict(session.environ)
    return {**session.environ, cluster_place.VARIABLE: elsewhere.kubeconfig}


def _failed(session: Session, why: str) -> RehearsalError:
    return RehearsalError(
        what=f"`pulumi preview` of stack {session.stack} failed",
        why=why,
        mend='try it by hand; for a stack of the rehearsal after: eval "$(fleet env)"',
        where=session.project.stack_file(session.stack),
    )
