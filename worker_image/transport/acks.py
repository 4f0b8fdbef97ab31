"""Acknowledgements that no task waits for: sent at once, and their answers read later."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import redis


class Acks:
    """One acknowledgement on its way at a time, over a connection of its own.

    With late acknowledgement a slot would else stand still for a round trip after each task.
    """

    def __init__(
        self,
        pool: "redis.ConnectionPool",
        removal: Callable[[str], Sequence[tuple[str, ...]]],
        done: Callable[[str], None],
        lost: Callable[[str], None],
    ) -> None:
        """Make one that has sent nothing.

        Args:
            pool: where its connection is from.
            removal: the commands that forget a message, by its delivery tag.
            done: told each delivery tag that the server has let go of.
            lost: told each one that it may not have heard of.

        """
        self._pool = pool
        self._removal = removal
        self._done, self._lost = done, lost
        # Pool threads acknowledge as well.
        self._lock = Lock()
        self._connection: Any = None
        self._unanswered: str | None = None

    def send(self, tag: str) -> None:
        """Let go of a message."""
        with self._lock:
            self._settle()
            try:
                self._send(tag)
            except (redis.RedisError, OSError):
                self._hang_up()
                self._lost(tag)
            else:
                self._unanswered = tag

    def settle(self) -> None:
        """Read the answers to the last one."""
        with self._lock:
            self._settle()

    def hang_up(self) -> None:
        """Close the connection; what was not answered yet counts as lost."""
        with self._lock:
            tag, self._unanswered = self._unanswered, None
            self._hang_up()
            if tag is not None:
                self._lost(tag)

    def _send(self, tag: str) -> None:
        if self._connection is None:
            self._connection = self._pool.get_connection()
        commands = self._removal(tag)
        self._connection.send_packed_command(self._connection.pack_commands(commands))

    def _settle(self) -> None:
        tag, self._unanswered = self._unanswered, None
        if tag is None:
            return
        try:
            for _ in self._removal(tag):
                self._connection.read_response()
        except (redis.RedisError, OSError):
            self._hang_up()
            self._lost(tag)
        else:
            self._done(tag)

    def _hang_up(self) -> None:
        """Answers that are still on their way would be taken for those of the next one."""
        if self._connection is not None:
            self._connection.disconnect()
