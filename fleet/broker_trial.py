"""Accounts for tasks that are under way while something befalls their broker."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from fleet.api_client import FleetApi, QueueStatistics
from fleet.deviation import deviation
from fleet.project import Project
from fleet.session import Session
from fleet.task_ledger import Ledger
from infra.models.fleet import FleetConfig
from rehearsal.layout import Layout

TASKS = 500
_TASK = "worker_image.tasks.canary.work"
_LONG, _LONG_S, _SHORT_S = 100, 15.0, 2.0
"""The first ones, which workers hold as it begins, outlast it."""
_SENDERS = 8
_BUSY_SHARE = 0.05
"""Of the tasks, that workers have to hold before it begins."""
_BUSY_LIMIT_S = 90.0
_QUIET_LIMIT_S = 240.0
_QUIET_LOOKS = 3
"""A message on its way from a list to its worker is in neither figure for a moment."""
_POLL_S = 0.25


@dataclass(frozen=True)
class Account:
    """What became of the tasks."""

    held: int
    """By workers as it began."""
    unfinished: int
    """Waiting or held once it was over."""
    lost: int
    """Without a result when nothing waited or ran any more."""
    failed: int
    repeated: int
    """Runs beyond the first, by the workers' logs."""
    unseen: int
    """With a result and in no log: then the logs prove nothing."""

    def __str__(self) -> str:
        return (
            f"{TASKS} tasks, {self.held} of them held by workers as it began, {self.unfinished} "
            f"unfinished after it: {self.lost} lost, {self.failed} failed, "
            f"{self.repeated} run twice"
        )


@dataclass(frozen=True)
class Trial:
    """Tasks that only take time, on the queue whose bursts are largest."""

    project: Project
    stack: str
    config: FleetConfig

    def during(self, event: Callable[[], None], tell: Callable[[str], None]) -> Account:
        """Send the tasks, let it happen while they run, and wait until nothing is left to run.

        Raises:
            RehearsalError: no worker takes the tasks, or they do not come to an end.

        """
        pods = Layout(self.project.rehearsal).pods
        with Ledger(pods, self.config.namespace).kept() as ledger:
            api = self._api()
            tell(f"sending {TASKS} tasks to queue {self.queue}")
            with ThreadPoolExecutor(_SENDERS) as senders:
                sent = list(senders.map(partial(self._send, api), range(TASKS)))
            held = self._until_busy(api, tell)
            event()
            # Its pods may be others now.
            api = self._api()
            after = self._queue(api)
            self._until_quiet(api, tell)
            with ThreadPoolExecutor(_SENDERS) as askers:
                states = [result.status for result in askers.map(api.result, sent)]
        ran = [ledger.runs(task) for task in sent]
        return Account(
            held=held,
            unfinished=after.pending + after.in_flight,
            lost=states.count("pending"),
            failed=states.count("failed"),
            repeated=sum(max(0, number - 1) for number in ran),
            unseen=sum(s == "completed" and not n for s, n in zip(states, ran, strict=True)),
        )

    @property
    def queue(self) -> str:
        """Where the tasks go."""
        objectives = {name: queue.objective for name, queue in self.config.queues.items()}
        bursts = {name: it.burst.tasks if it.burst else 0 for name, it in objectives.items()}
        return max(bursts, key=lambda name: bursts[name])

    def _api(self) -> FleetApi:
        return Session(self.project, self.stack).api

    def _send(self, api: FleetApi, number: int) -> str:
        seconds = _LONG_S if number < _LONG else _SHORT_S
        return api.create(_TASK, {"seconds": seconds}, queue=self.queue)

    def _queue(self, api: FleetApi) -> QueueStatistics:
        return api.queues()[self.queue]

    def _until_busy(self, api: FleetApi, tell: Callable[[str], None]) -> int:
        deadline = time.monotonic() + _BUSY_LIMIT_S
        while (held := self._queue(api).in_flight) < TASKS * _BUSY_SHARE:
            tell(f"{held} tasks held by workers")
            if time.monotonic() > deadline:
                raise deviation(f"{held} tasks run after {_BUSY_LIMIT_S:.0f} s", "many")
            time.sleep(_POLL_S)
        return held

    def _until_quiet(self, api: FleetApi, tell: Callable[[str], None]) -> None:
        deadline, looks = time.monotonic() + _QUIET_LIMIT_S, 0
        while looks < _QUIET_LOOKS:
            queue = self._queue(api)
            left = queue.pending + queue.in_flight
            looks = 0 if left else looks + 1
            tell(f"{left} of {TASKS} tasks to do")
            if time.monotonic() > deadline:
                raise deviation(f"{queue.pending} tasks wait, {queue.in_flight} are held", "none")
            time.sleep(_POLL_S)
