"""Proves a fleet by real tasks: sends some of every kind and waits for each result."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet import web_pages
from fleet.api_client import FleetApi, Result
from fleet.failing_task import failed, unfinished
from fleet.progress import Progress
from fleet.session import Session
from infra.models.queue import QueueSpec

_TASKS = "worker_image.tasks"
_IMAGINEER = {"default", "labeling", "scraping", "training"}
_TENANTS = ("acme", "umbrella", "zorg")
_IMAGES = 24
_FETCHES = 10
_EPOCHS = 5
_LABELS_TOLD = 5
_LIMIT_S = 90.0
"""From the sending of a batch to its last result; a cold start of a worker takes about 5 s."""
_POLL_S = 0.25
_COUNTED_S = 5.0
"""Workers tell what has ended a quarter second after it; a broker that hiccups has it told late."""

Kwargs = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """One task to send."""

    task: str
    """Module and function within the worker image's tasks."""
    kwargs: Kwargs = field(default_factory=dict)
    queue: str | None = None
    """Where it goes; None leaves that to the routes."""
    tenant: str | None = None
    """Whose it is, on a fair queue."""

    @property
    def name(self) -> str:
        return f"{_TASKS}.{self.task}"


@dataclass
class Batch:
    """Tasks that were sent together, and what became of them."""

    session: Session
    api: FleetApi
    waiting: dict[str, Job] = field(default_factory=dict)
    done: list[tuple[Job, Any]] = field(default_factory=list)

    def send(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            sent = self.api.create(job.name, job.kwargs, queue=job.queue, tenant=job.tenant)
            self.waiting[sent] = job

    def wait(self, report: Callable[[str], None], until: str | None = None) -> None:
        """Wait for all results, or for those of one task.

        Raises:
            RehearsalError: for a task that failed, or did not finish within 90 s.

        """
        deadline = time.monotonic() + _LIMIT_S
        while missing := [i for i, job in self.waiting.items() if until in (None, job.task)]:
            for task_id in missing:
                self._take(task_id, self.api.result(task_id))
            report(self._told())
            if time.monotonic() > deadline and missing[0] in self.waiting:
                name = self.waiting[missing[0]].name
                raise unfinished(self.session, name, missing[0], _LIMIT_S)
            time.sleep(_POLL_S)

    def results(self, task: str) -> list[Any]:
        """Return the results of one task, in the order in which they came."""
        return [value for job, value in self.done if job.task == task]

    def _take(self, task_id: str, result: Result) -> None:
        if result.status == "failed":
            raise failed(self.session, self.waiting[task_id].name, task_id, result.error)
        if result.status == "completed":
            self.done.append((self.waiting.pop(task_id), result.value))

    def _told(self) -> str:
        left = Counter(job.task for job in self.waiting.values())
        missing = ", ".join(f"{number} {task}" for task, number in sorted(left.items()))
        total = len(self.done) + len(self.waiting)
        return f"{len(self.done)}/{total} results; waiting for {missing or 'none'}"


def run(session: Session, progress: Progress) -> None:
    """Run real tasks through every queue; about forty where the stack has Imagineer's queues.

    In the end they are among what `fleet status` shows as done, unless that takes above 5 s.

    Raises:
        RehearsalError: for the first task that fails or does not finish.

    """
    batch, before = Batch(session, session.api), _done(session.api)
    if session.config.queues.keys() >= _IMAGINEER:
        _run_imagineer(batch, progress)
        lines = told(batch)
    else:
        with progress.running("tasks") as tell:
            batch.send(_canaries(session.config.queues))
            batch.wait(tell)
        lines = [_told_canaries(batch)]
    _await_counted(session.api, before + len(batch.done))
    for line in lines:
        progress.say("tasks", line)


def _done(api: FleetApi) -> int:
    return sum(queue.done for queue in api.queues().values())


def _await_counted(api: FleetApi, done: int) -> None:
    """Wait for figures, which are no reason to fail."""
    deadline = time.monotonic() + _COUNTED_S
    while _done(api) < done and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _canaries(queues: Mapping[str, QueueSpec]) -> list[Job]:
    """A task for each queue; for each of a few tenants where it is fair."""
    return [
        Job("canary.work", {"seconds": 0.5}, name, tenant)
        for name, queue in queues.items()
        for tenant in (_TENANTS if queue.fair else (None,))
    ]


def _told_canaries(batch: Batch) -> str:
    told = f"{len(batch.done)} tasks done, one on each queue"
    fair = sorted({job.queue for job, _ in batch.done if job.queue and job.tenant})
    each = f"on {' and '.join(fair)} one for each of {len(_TENANTS)} tenants"
    return f"{told}, {each}" if fair else told


def _run_imagineer(batch: Batch, progress: Progress) -> None:
    with web_pages.served() as addresses, progress.running("tasks") as tell:
        batch.send([Job("samples.make_samples", {"count": _IMAGES}), *_maintenance()])
        batch.send([Job("scraping.fetch_page", {"url": url}) for url in _fetches(addresses)])
        batch.wait(tell, until="samples.make_samples")
        images = batch.results("samples.make_samples")[0]["images"][:_IMAGES]
        batch.send([Job("labeling.label_image", {"path": path}) for path in images])
        batch.send([Job("training.train", {"run_id": _run_id(), "epochs": _EPOCHS})])
        batch.wait(tell)


def told(batch: Batch) -> list[str]:
    """Say what the tasks found, from their results."""
    trained = batch.results("training.train")[0]
    disk = batch.results("maintenance.record_disk_usage")[0]
    pages = batch.results("scraping.fetch_page")
    images = batch.results("labeling.label_image")
    size, title = sum(page["bytes"] for page in pages), pages[0]["title"]
    epochs, accuracy = trained["epochs_run"], trained["accuracy"]
    return [
        f"{len(batch.done)} tasks done, each with its result",
        f"labeling: {len(images)} images: {_tally(images)}",
        f"scraping: {len(pages)} pages of {size} bytes together, such as {title!r}",
        f"training: {epochs} epochs on the {trained['device']}, accuracy {accuracy}",
        f"maintenance: the data folder's disk is {disk['used_percent']} % full",
    ]


def _tally(images: Sequence[Mapping[str, Any]]) -> str:
    labels = Counter(label for image in images for label in image["labels"])
    return ", ".join(f"{number} {label}" for label, number in labels.most_common(_LABELS_TOLD))


def _maintenance() -> list[Job]:
    purges = ("maintenance.purge_stale_training", "maintenance.purge_stale_scrapes")
    return [
        Job("maintenance.record_disk_usage"),
        *(Job(purge, {"dry_run": True}) for purge in purges),
    ]


def _fetches(addresses: Sequence[str]) -> list[str]:
    return [addresses[number % len(addresses)] for number in range(_FETCHES)]


def _run_id() -> str:
    """A run of its own, since a finished one would only be found finished."""
    return f"demonstration-{time.strftime('%Y%m%d-%H%M%S')}"
