"""The producer's process of a run, as faults and loads use it."""

import json
import sys
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.arms import NEWER_VARIABLE
from chaos.deed import TASK
from chaos.ledger import Entry
from chaos.load import Message
from chaos.processes import Group, Processes


@dataclass
class Publisher:
    """One producer, which publishes one message after the other."""

    processes: Processes
    app: str
    env: Mapping[str, str]
    episode: str = ""
    """Of the messages that faults send."""
    _running: Group | None = None
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start it, and wait until it can publish.

        Raises:
            RuntimeError: it ended before.

        """
        self._running = self.processes.start(
            "producer",
            *(sys.executable, "-m", "chaos.producer", self.app),
            env={**self.env, NEWER_VARIABLE: "1"},
            pipes=True,
        )
        self._await(b"ready\n")

    def flush(self) -> None:
        """Wait until all that was sent is published or refused.

        Raises:
            RuntimeError: the producer has ended.

        """
        self._write({})
        self._await(b"done\n")

    def send(self, message: Message) -> str:
        """Have a message published; its id."""
        self._write(message.line)
        return message.entry.id

    def send_now(
        self,
        kind: str,
        queue: str,
        seconds: float,
        *,
        to: str = "",
        task: str = TASK,
        **more: int,
    ) -> str:
        """Have a fault's own message published; its id."""
        entry = Entry(str(uuid.uuid4()), queue, kind, self.episode, seconds)
        return self.send(Message(0.0, entry, to or queue, task=task, **more))

    def close(self) -> None:
        """Close its pipes; without input it ends."""
        if self._running is None:
            return
        for pipe in (self._running.process.stdin, self._running.process.stdout):
            if pipe is not None:
                pipe.close()

    def _write(self, line: Mapping[str, object]) -> None:
        assert self._running is not None  # noqa: S101 - started before
        asked = self._running.process.stdin
        assert asked is not None  # noqa: S101 - a pipe, as asked for
        with self._writing:
            asked.write(json.dumps(line).encode() + b"\n")
            asked.flush()

    def _await(self, word: bytes) -> None:
        answers = self._running.process.stdout if self._running is not None else None
        if answers is None or answers.readline() != word:
            log = self.processes.folder / "producer.log"
            raise RuntimeError(f"the producer has ended: see {log}")
