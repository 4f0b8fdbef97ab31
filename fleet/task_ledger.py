"""How often each task ran, by the logs of all pods of a rehearsal: of those that are gone too."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

# As Celery's main process says it once a task has ended well (5.7.0, app/trace.py).
_RAN = re.compile(r"\[([0-9a-f-]{36})\] succeeded in ")
_LOOKS_S = 0.2


@dataclass
class Ledger:
    """Reads logs while there are pods; a log that was opened is read to its end."""

    pods: Path
    namespace: str
    _runs: Counter[str] = field(default_factory=Counter)
    _open: dict[Path, TextIO] = field(default_factory=dict)

    @contextmanager
    def kept(self) -> Iterator["Ledger"]:
        """Follow new pods as long as the body runs; what ran is complete after it."""
        stop = threading.Event()
        follower = threading.Thread(target=self._follow, args=(stop,))
        follower.start()
        try:
            yield self
        finally:
            stop.set()
            follower.join()
            self._look()
            self._read()
            for log in self._open.values():
                log.close()

    def runs(self, task_id: str) -> int:
        """How often a task ran to its end."""
        return self._runs[task_id]

    def _follow(self, stop: threading.Event) -> None:
        while not stop.wait(_LOOKS_S):
            self._look()

    def _look(self) -> None:
        for path in self.pods.glob(f"{self.namespace}_*/logs/*/*.log"):
            if path not in self._open:
                try:
                    self._open[path] = path.open(errors="replace")
                except FileNotFoundError:
                    continue

    def _read(self) -> None:
        for log in self._open.values():
            self._runs.update(_RAN.findall(log.read()))
