"""A worker's place in a run: its process, and the next one once that has ended."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos.deed import ready_file
from chaos.processes import Group

RESTART_S = 1.0
"""Between a worker's end and its next start; a kubelet takes about as long the first time."""


@dataclass
class Place:
    """One worker, through all its restarts; each has a name of its own."""

    slot: str
    queue: str
    folder: Path
    launch: Callable[["Place"], Group]
    generation: int = 0
    group: Group | None = None
    wanted: bool = True
    env: dict[str, str] = field(default_factory=dict)
    """Of the next start."""
    held_back_until: float = 0.0
    """Monotonic; the next start comes no sooner."""

    @property
    def name(self) -> str:
        return f"{self.slot}.{self.generation}"

    @property
    def runs(self) -> bool:
        return self.group is not None and self.group.code is None

    @property
    def ready(self) -> bool:
        """Whether it takes messages."""
        return self.runs and ready_file(self.folder, self.name).exists()

    def start(self) -> None:
        """Start the next process."""
        self.generation += 1
        self.group = self.launch(self)

    def signal(self, number: int, *, main_only: bool = False) -> None:
        """Send a signal to all of it, or as a kubelet does to its main process."""
        if self.group is None or self.group.code is not None:
            return
        if main_only:
            self.group.process.send_signal(number)
        else:
            self.group.signal(number)
