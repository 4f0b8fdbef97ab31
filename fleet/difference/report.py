"""From figures and a preview's steps to sentences: pure, the same for the same."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fleet.difference import dangers, queue_settings
from fleet.difference.figures import Figures
from fleet.difference.preview import Step, at, unknowns
from fleet.difference.queue_settings import QueueSettings
from fleet.difference.words import figures_told, settings_told, wait
from fleet.difference.workers import DEPLOYMENT, SCALER, WorkerChange, restart_of
from infra import names

_WORDS = {"create": "new", "update": "changed", "replace": "replaced", "delete": "gone"}


@dataclass(frozen=True)
class Live:
    """What the broker holds at this moment, by queue."""

    pending: Mapping[str, int]
    in_flight: Mapping[str, int]


@dataclass(frozen=True)
class Worker:
    """One worker's change with everything that is told of it."""

    change: WorkerChange
    queues: tuple[str, ...]
    """Those that it serves now; those that it will, where it is new."""
    before: Figures | None = None
    after: Figures | None = None
    in_flight: int | None = None
    """Tasks that its pods run; None where that is not known."""

    @property
    def subject(self) -> str:
        """A worker of one queue is its queue, to those who look at queues."""
        if len(self.queues) == 1:
            return f"queue {self.queues[0]}"
        return f"worker {self.change.name} ({', '.join(self.queues)})"


@dataclass(frozen=True)
class Report:
    """What a change does; every part empty where nothing changes."""

    dangers: tuple[str, ...]
    """What loses data, or leaves messages to nobody."""
    lines: tuple[str, ...]
    """What else happens."""
    notes: tuple[str, ...]
    """What is not known, and why."""
    workers: tuple[Worker, ...]

    @property
    def changed(self) -> bool:
        return bool(self.dangers or self.lines or self.workers)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        workers = [_worker_json(each) for each in self.workers]
        return {**asdict(self), "changed": self.changed, "workers": workers}


def report(
    steps: Sequence[Step], workers: Sequence[Worker], live: Live | None, notes: Iterable[str] = ()
) -> Report:
    """Put a preview's steps and the workers' figures in words.

    Args:
        steps: all of the preview's changes.
        workers: those that change.
        live: what the broker holds; None where that is not known.
        notes: what could not be found out.

    """
    settings = queue_settings.read(steps)
    pending = live.pending if live else None
    left = queue_settings.left_behind(settings, pending)
    told = [*_of_workers(workers), *_of_queues(settings, pending), *_of_others(steps, settings)]
    own = [f"known only during `pulumi up`: {where}" for where in _open(steps)]
    return Report(
        dangers=(*dangers.dangers(steps), *left),
        lines=tuple(told),
        notes=(*notes, *own),
        workers=tuple(workers),
    )


def _of_workers(workers: Sequence[Worker]) -> Iterator[str]:
    for each in workers:
        change = each.change
        if change.op == "create":
            yield f"{each.subject}: new, {_new(each)}"
            continue
        settings = ", ".join(settings_told(change))
        figures = ", ".join(figures_told(each.before, each.after))
        if told := "; ".join(part for part in (settings, figures) if part):
            yield f"{each.subject}: {told}"
    for each in workers:
        if (restart := restart_told(each)) is not None:
            yield restart


def restart_told(worker: Worker) -> str | None:
    """Say whether a worker's pods go, and what becomes of what they run."""
    change = worker.change
    if change.restart is None:
        return None
    why = f" ({', '.join(change.causes)})" if change.causes else ""
    does = {
        "rolls": f"restarts{why}",
        "perhaps": f"may restart{why}",
        "replaced": "is replaced: its pods go before new ones come",
        "goes": "goes",
    }[change.restart]
    return f"worker {change.name} {does}: {_in_flight(worker)}"


def _in_flight(worker: Worker) -> str:
    grace = worker.change.old.grace_s
    within = "" if grace is None else f", within {grace} s at most"
    match worker.in_flight:
        case None:
            return f"tasks in flight finish first{within}"
        case 0:
            return "no task is in flight now"
        case 1:
            return f"1 task in flight finishes first{within}"
        case number:
            return f"{number} tasks in flight finish first{within}"


def _new(worker: Worker) -> str:
    new, after = worker.change.new, worker.after
    told = [f"served by worker {worker.change.name}"]
    if None not in (new.min_replicas, new.max_replicas):
        told.append(f"{new.min_replicas} to {new.max_replicas} pods")
    if after is not None:
        told.append(f"wait p95 in a burst {wait(after.burst_p95_s)}")
        if after.usd is not None:
            told.append(f"+${after.usd:,.0f} a month")
    return ", ".join(told)


def _of_queues(settings: QueueSettings, pending: Mapping[str, int] | None) -> Iterator[str]:
    for queue in queue_settings.quietly_gone(settings, pending):
        yield f"queue {queue} is removed: no message waits there now"
    for subject, told in queue_settings.lines(settings):
        yield f"{subject}: {told}"


def _of_others(steps: Sequence[Step], settings: QueueSettings) -> Iterator[str]:
    """The fleet's other Deployments and AWS' resources by name, everything else by number."""
    others: dict[str, Counter[str]] = {}
    for step in steps:
        if step.kind == SCALER or (step.kind == DEPLOYMENT and _is_worker(step)):
            continue
        if settings.both and queue_settings.is_it(step) and step.op == "update":
            continue
        restart, causes = restart_of(step) if step.kind == DEPLOYMENT else (None, ())
        if restart in {"rolls", "perhaps"}:
            does = "restarts" if restart == "rolls" else "may restart"
            yield f"{step.name} {does} ({', '.join(causes)})"
        elif step.kind.startswith("aws:") and (told := ", ".join(_inputs_told(step))):
            yield f"{step.short_kind} {step.name}: {told}"
        else:
            others.setdefault(_WORDS[step.op], Counter())[step.short_kind] += 1
    if others:
        yield f"besides, {'; '.join(_counted(word, kinds) for word, kinds in others.items())}"


def _counted(word: str, kinds: Counter[str]) -> str:
    each = (f"{number} {kind}" if number > 1 else kind for kind, number in sorted(kinds.items()))
    return f"{word}: {', '.join(each)}"


def _inputs_told(step: Step) -> Iterator[str]:
    """Both ends of the plain inputs that change in place."""
    if step.op != "update":
        return
    for path in step.paths:
        old, new = at(step.old, path), at(step.new, path)
        if isinstance(old, str | int | float) and isinstance(new, str | int | float):
            yield f"{path} {old} -> {new}"


def _is_worker(step: Step) -> bool:
    return step.name.startswith(names.WORKER_PREFIX)


def _open(steps: Sequence[Step]) -> Iterator[str]:
    """What of the things that are there already is not decided yet."""
    for step in steps:
        if step.op == "update" and (found := list(unknowns(step.new))):
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            yield f"{step.short_kind} {step.name}, {found[0]}{more}"


def _worker_json(worker: Worker) -> dict[str, Any]:
    change = worker.change
    return {
        "worker": change.name,
        "op": change.op,
        "queues": list(worker.queues),
        "settings": list(settings_told(change)),
        "before": asdict(worker.before) if worker.before else None,
        "after": asdict(worker.after) if worker.after else None,
        "restart": change.restart,
        "causes": list(change.causes),
        "in_flight": worker.in_flight,
    }
