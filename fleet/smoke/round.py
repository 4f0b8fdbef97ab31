"""Sends the probes of all queues at once, waits for them, and takes back what is left of each."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import quote

from fleet.api_client import FleetApi, RefusedError
from fleet.smoke.aims import Aim
from fleet.smoke.verdict import Checked, judge, unsent
from infra.alerts.queues import PROBE
from rehearsal.errors import RehearsalError

_THREADS = 8
_POLL_S = 0.25
# From a probe's start to its result here: its run, and a look.
_ANSWER_S = 2.0
_TRIES = 2

Report = Callable[[str], None]


@dataclass
class Round:
    """One probe for each aim."""

    api: FleetApi
    aims: Sequence[Aim]
    timeout_s: float | None = None
    """After which a queue is given up, though its objective tolerates more."""
    checked: dict[str, Checked] = field(default_factory=dict)
    """By queue."""
    left: list[str] = field(default_factory=list)
    """What could not be taken back, in sentences."""
    _sent: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Task id, and when it was sent by the monotonic clock, by queue."""

    def run(self, report: Report) -> list[Checked]:
        """Return a verdict on each aim, in their order; whatever happens, nothing is left.

        Raises:
            RehearsalError: the API is away before every probe is sent.

        """
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="probe") as threads:
            sending = [threads.submit(self._send, aim) for aim in self.aims]
            try:
                for future in sending:
                    future.result()
                self._wait(threads, report)
            finally:
                self._take_back(threads, sending)
        return [self.checked[aim.queue] for aim in self.aims]

    def _send(self, aim: Aim) -> None:
        if aim.blocked is not None:
            self.checked[aim.queue] = unsent(aim, aim.blocked)
            return
        try:
            task_id = self.api.create(PROBE, {}, queue=aim.queue, tenant=aim.tenant)
        except RefusedError as error:
            self.checked[aim.queue] = unsent(aim, error.why)
        else:
            self._sent[aim.queue] = task_id, time.monotonic()

    def _wait(self, threads: ThreadPoolExecutor, report: Report) -> None:
        while open_ := [aim for aim in self.aims if aim.queue not in self.checked]:
            report(told(open_, len(self.aims)))
            for each in threads.map(self._look, open_):
                if each is not None:
                    self.checked[each.aim.queue] = each
            time.sleep(_POLL_S if len(self.checked) < len(self.aims) else 0)

    def _look(self, aim: Aim) -> Checked | None:
        task_id, sent_at = self._sent[aim.queue]
        limit_s = aim.tolerated_s + _ANSWER_S
        if self.timeout_s is not None:
            limit_s = min(limit_s, self.timeout_s)
        try:
            result = self.api.result(task_id)
        except RehearsalError as error:
            # A pod of the API that restarts is none of the queue's.
            if time.monotonic() - sent_at <= limit_s:
                return None
            return Checked(aim, "failed", f"its result could not be asked for: {error.why}")
        return judge(aim, result, time.monotonic() - sent_at, limit_s)

    def _take_back(self, threads: ThreadPoolExecutor, sending: Iterable[Future[None]]) -> None:
        for future in sending:
            future.cancel()
        for future in sending:
            # One that was under way may have sent its probe.
            _settled(future)
        self.left = list(filter(None, threads.map(self._taken_back, self._sent)))

    def _taken_back(self, queue: str) -> str | None:
        task_id, _ = self._sent[queue]
        why = ""
        # Ctrl-C ends a port-forward, too: the first try may be what finds that out.
        for _ in range(_TRIES):
            try:
                self.api.ask("DELETE", f"/api/v1/fleet/probes/{quote(queue, safe='')}/{task_id}")
            except RehearsalError as error:
                why = error.why
            else:
                return None
        return f"the probe {task_id} of queue {queue} could not be taken back: {why}"


def told(waiting: Sequence[Aim], total: int) -> str:
    """Say what is waited for."""
    names = ", ".join(_waited_for(waiting))
    return f"{total - len(waiting)}/{total} queues answered; waiting for {names}"


def _waited_for(waiting: Sequence[Aim]) -> Iterator[str]:
    for aim in waiting:
        yield f"{aim.queue} (from zero)" if aim.cold_s else aim.queue


def _settled(future: "Future[None]") -> None:
    if not future.cancelled():
        future.exception()
