"""The lease on what a worker holds: renewed while it holds it, so that no other worker runs it too.

A thread of the worker's main process does it over a connection of its own: it goes on while the
event loop is busy or drains, while the consumer's connection is made anew, and in a pool whose
tasks run in the loop itself. What could not be settled with a lost broker it settles later.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import redis

from worker_image.transport.settle import InFlight

_RETRY_S = 1.0
_FAREWELL_S = 5.0

# Of the visibility timeout. The rest of it is for a task to begin in, after it was asked for.
_SURE = 0.75

logger = logging.getLogger(__name__)


@dataclass
class _Held:
    """A message that is held; its times are the monotonic clock's, which no SIGSTOP stops."""

    message: Any
    held_at: float
    leased_at: float
    """When its fetch, or the last renewal that was answered, was asked for."""
    lost: bool = False


class Lease:
    """Holds messages by delivery tag until they are settled."""

    def __init__(
        self,
        server: InFlight,
        visibility_s: float,
        wanted: Callable[[], Container[str]] | None = None,
        renewed: Callable[[Collection[str]], None] = lambda _gone: None,
    ) -> None:
        """Make one that holds nothing.

        Args:
            server: over connections that no channel closes.
            visibility_s: after this a lease that is not renewed has expired.
            wanted: told now and then, the tags of messages that something will settle; without it
                all that are held.
            renewed: told after each renewal, in the thread, the tags whose leases are lost.

        """
        self._server = server
        self._every_s = visibility_s / 4
        self._sure_s = visibility_s * _SURE
        self._wanted = wanted
        self._renewed = renewed
        self._held: dict[str, _Held] = {}
        self._settling: set[str] = set()
        self._later: deque[tuple[str, Sequence[object]]] = deque()
        self._due = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._away = False
        self._asked = False

    def start(self) -> None:
        """Renew from now on; a second time it does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, once what is left to settle is settled, or the broker stays away for seconds."""
        self._stopped.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join(_FAREWELL_S)
        if self._thread is None or not self._thread.is_alive():
            # What was put off after its end, as by a channel that closes.
            with suppress(redis.RedisError, OSError):
                self._settle()
        if self._later:
            logger.error("%d ended tasks not acknowledged: they will run again", len(self._later))

    def hold(self, tag: str, message: Any, leased_at: float) -> None:  # noqa: ANN401 - kombu's Message
        """Renew a message's lease until it is released; `leased_at` is the monotonic clock's."""
        self._held[tag] = _Held(message, monotonic(), leased_at)

    def is_sure(self, tag: str) -> bool:
        """Whether no other worker can have a message by now; it costs no round trip."""
        held = self._held.get(tag)
        return held is not None and not held.lost and monotonic() - held.leased_at < self._sure_s

    def is_lost(self, tag: str) -> bool:
        """Whether a message is known not to be held any more."""
        held = self._held.get(tag)
        return held is None or held.lost

    def ask(self) -> None:
        """Renew now, or as soon as the broker answers."""
        self._asked = True
        self._due.set()

    def settling(self, tag: str) -> None:
        """Note that a message's task has come to its end."""
        self._settling.add(tag)

    def release(self, tag: str) -> None:
        """Renew no more; it is settled."""
        self._held.pop(tag, None)
        self._settling.discard(tag)

    def settle_later(self, tag: str, words: Sequence[object]) -> None:
        """Settle a message as soon as the broker answers; until then its lease goes on."""
        self._settling.add(tag)
        self._later.append((tag, words))
        self._due.set()

    @property
    def unsettled(self) -> Mapping[str, Any]:
        """Messages by delivery tag whose tasks wait or run."""
        held = list(self._held.items())
        return {tag: each.message for tag, each in held if tag not in self._settling}

    def renew(self) -> None:
        """Renew every lease once.

        Raises:
            redis.RedisError: the broker is away; those that are not expired can be renewed later.

        """
        self._let_go()
        asked_at, held = monotonic(), self._held.copy()
        gone = self._server.renew(list(held)) & self.unsettled.keys()
        for tag, each in held.items():
            each.lost, each.leased_at = tag in gone, asked_at
        if gone:
            logger.error("lease lost on %d messages: another worker may run them", len(gone))
        self._renewed(gone)

    def _let_go(self) -> None:
        """Leave messages that nothing will settle any more to the visibility timeout.

        So it is where Celery fails between a task's end and its message's, storing the result.
        """
        if self._wanted is None:
            return
        wanted, before = self._wanted(), monotonic() - self._every_s
        for tag, each in self._held.copy().items():
            if tag not in wanted and tag not in self._settling and each.held_at < before:
                self.release(tag)
                logger.warning("message %s was left unsettled: it is delivered again", tag)

    def _run(self) -> None:
        renewed_at = monotonic()
        wait_s = self._every_s
        while not self._stopped.is_set() or self._later:
            self._due.wait(wait_s)
            self._due.clear()
            try:
                self._settle()
                asked, self._asked = self._asked, False
                if asked or self._away or monotonic() - renewed_at >= self._every_s:
                    self.renew()
                    renewed_at = monotonic()
                self._away = False
                wait_s = max(0.0, renewed_at + self._every_s - monotonic())
            except (redis.RedisError, OSError) as error:
                self._wait_for_the_broker(error)
                wait_s = 0.0

    def _wait_for_the_broker(self, error: Exception) -> None:
        if not self._away:
            logger.warning("leases not renewed, trying again: %s", error)
        self._away = True
        # A new connection may lead to a new primary.
        self._server.client.connection_pool.disconnect()
        sleep(min(_RETRY_S, self._every_s))

    def _settle(self) -> None:
        while self._later:
            tag, words = self._later[0]
            if words:
                self._server.settle(tag, words)
            else:
                self._server.remove(tag)
            self._later.popleft()
            self.release(tag)
