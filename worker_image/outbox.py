"""What the API accepts while the broker is away: kept on disk, sent afterwards, written once.

A request is sent at once, as without an outbox, and stored where the broker does not answer. While
stored ones wait and the broker is still away, new ones go behind them without a try of their own,
so they are sent in the order they were accepted in. Once the broker answers, new ones are sent at
once, and may overtake the rest. The order is of one pod's requests.

Each is written to Redis once, though its first try was written and the answer lost, and though this
process is killed between sending a row and removing it: by the mark of its message, or its caller's
key. A mark is kept for as long as a key, a day, and taken away soon where nothing was stored. Rows
hold tasks with their arguments, and nothing that gives access to the API or the broker.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from threading import Thread
from typing import Protocol

from kombu.utils.json import dumps, loads

from worker_image.broker import BrokerAwayError
from worker_image.once import KeyReusedError
from worker_image.outbox_file import Filling, OutboxFile, Row
from worker_image.publish import Accepted, RefusedError, RoutedTask, TaskMessage, TaskRequest
from worker_image.results import TaskOutcome
from worker_image.room import promised

_PAUSE_S = 0.5
_ADOPTING_S = 10.0
# Removed by one write; sent again, and found to be there, where it did not come to that.
_ROWS_AT_ONCE = 20

logger = logging.getLogger(__name__)


class MessagePublisher(Protocol):
    """Checks requests and sends their messages; `publish.Publisher`."""

    def checked(self, asked: TaskRequest) -> TaskMessage:
        """Return a request's message, or raise RefusedError."""

    def check_unsent(self, message: TaskMessage) -> None:
        """Raise RefusedError where sending it would."""

    def send(self, message: TaskMessage) -> str:
        """Send a message; raises RefusedError or BrokerAwayError."""

    def tasks(self) -> Iterable[RoutedTask]:
        """Return every task that this stack takes."""


class ResultReader(Protocol):
    """Knows what became of a task."""

    def outcome(self, task_id: str) -> TaskOutcome:
        """Return a task's outcome."""


class Outbox:
    """Publishes at once or stores; what is stored is sent by a thread of its own."""

    def __init__(
        self,
        publisher: MessagePublisher,
        file: OutboxFile,
        forget: Callable[[Sequence[str]], None],
        fail: Callable[[str, Exception], None],
    ) -> None:
        """Take the file; nothing is sent from it before `start`.

        Args:
            publisher: its marks are kept for a day.
            file: this process's own.
            forget: removes marks.
            fail: stores a task's end. Both raise BrokerAwayError.

        """
        self._file = file
        self._publisher = publisher
        self._forget = forget
        self._fail = fail
        self._away = False
        self._settled: deque[str] = deque()
        self._adopted_at = -_ADOPTING_S

    def start(self) -> None:
        """Send stored tasks until this process ends: whatever is left is on disk."""
        Thread(target=self._run, name="outbox", daemon=True).start()

    def publish(self, asked: TaskRequest) -> Accepted:
        """Send a task, or store it while the broker is away.

        Raises:
            RefusedError, QueueFullError: as `Publisher.publish` raises them.
            BrokerAwayError: the broker is away, and there is no room on disk.

        """
        message = self._publisher.checked(asked)
        if not self.away:
            try:
                sent = Accepted(self._publisher.send(message))
            except BrokerAwayError as error:
                logger.warning("task %s is stored: %s", message.task_id, error)
            else:
                if message.key is None:
                    self._settled.append(message.mark)
                return sent
        self._store(message)
        return Accepted(message.task_id, stored=True)

    def tasks(self) -> Iterable[RoutedTask]:
        """Return every task that this stack takes."""
        return self._publisher.tasks()

    def holds(self, task_id: str) -> bool:
        """Whether a task is stored here."""
        return self._file.holds(task_id)

    def filling(self) -> Filling:
        """Return what is stored here."""
        return self._file.filling()

    @property
    def away(self) -> bool:
        """Whether requests wait for a broker that did not answer when it was last asked."""
        return self._away and self._file.rows > 0

    def turn(self) -> None:
        """Send what is stored, here and by processes that are gone, in its order.

        Raises:
            BrokerAwayError: the broker did not answer; what is not sent is stored.

        """
        if time.monotonic() - self._adopted_at >= _ADOPTING_S:
            self._file.adopt()
            self._adopted_at = time.monotonic()
        while rows := self._file.head(_ROWS_AT_ONCE):
            sent: list[Row] = []
            try:
                for row in rows:
                    self._send(row)
                    sent.append(row)
            finally:
                self._file.remove(sent)
            logger.info("%d stored tasks are sent, %d wait", len(sent), self._file.rows)
        self._forget_marks()

    def _store(self, message: TaskMessage) -> None:
        self._publisher.check_unsent(message)
        try:
            self._file.add(message.task_id, message.key, dumps(asdict(message)))
        except KeyReusedError as error:
            raise RefusedError(str(error)) from None
        self._away = True

    def _send(self, row: Row) -> None:
        try:
            with promised():
                self._publisher.send(TaskMessage(**loads(row.message)))
        except BrokerAwayError:
            self._away = True
            raise
        # Accepted by an older image or other settings, or under a key that another pod has taken.
        except (LookupError, TypeError, ValueError) as error:
            logger.exception("stored task %s cannot be sent, and is told as failed", row.task_id)
            self._fail(row.task_id, error)
        self._away = False

    def _forget_marks(self) -> None:
        marks = [self._settled.popleft() for _ in range(len(self._settled))]
        if marks:
            try:
                self._forget(marks)
            except BrokerAwayError:
                self._settled.extendleft(marks)
                raise

    def _run(self) -> None:
        while True:
            time.sleep(_PAUSE_S)
            try:
                self.turn()
            except BrokerAwayError:
                continue
            except Exception:
                # Whatever it is, requests are stored meanwhile and this thread is all they have.
                logger.exception("the outbox goes on")


class StoredResults:
    """Results where a stored task is pending, also while no result store can tell."""

    def __init__(self, outbox: Outbox, results: ResultReader) -> None:
        self._outbox = outbox
        self._results = results

    def outcome(self, task_id: str) -> TaskOutcome:
        """Return a task's outcome; raises BrokerAwayError for one that is not stored here."""
        if self._outbox.holds(task_id):
            return TaskOutcome("pending")
        return self._results.outcome(task_id)
