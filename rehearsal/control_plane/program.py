"""One program of the stage: what is run, with what, and what it reads at its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Go's collector may let the heap double before it runs; at 50 % the resident sets of the
# idle programs shrink by a fifth for a CPU cost too small to measure.
SMALL_HEAP = {"GOGC": "50"}


@dataclass(frozen=True)
class Program:
    """A command for the supervisor; `argv` and `env` hold no secret."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    reads: tuple[Path, ...] = ()
    """Files read once, at the start: when one changes, the program has to start anew."""
    leaves: tuple[Path, ...] = ()
    """Files that tell how it is; an earlier run's are removed before it starts."""
    stop_grace_s: float = 3.0
    """From SIGTERM to SIGKILL."""


Options = Mapping[str, str | int | Path]
"""A Go program's options by name."""


def flags(values: Options) -> tuple[str, ...]:
    """Go's way of writing options: `--name=value`."""
    return tuple(f"--{name}={value}" for name, value in values.items())
