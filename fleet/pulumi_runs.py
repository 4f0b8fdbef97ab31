"""Single runs of the Pulumi CLI on one stack: what each printed, how long it took."""

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError

_TOLD_LINES = 30


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    code: int
    output: str
    seconds: float


@dataclass(frozen=True)
class Pulumi:
    """The CLI in a project's folder; each run's output is kept in `logs`."""

    program: Path
    folder: Path
    stack: str
    environment: Mapping[str, str] = field(repr=False)
    logs: Path

    def run(self, *arguments: str) -> Run:
        """Run a command, whatever comes of it."""
        before = time.monotonic()
        done = subprocess.run(
            [
                self.program,
                *arguments,
                *("--stack", self.stack, "--non-interactive", "--color", "never"),
            ],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - before
        self._log(arguments[0]).write_text(done.stdout)
        return Run(done.returncode, done.stdout, seconds)

    def succeed(self, *arguments: str) -> Run:
        """Run a command that has to succeed.

        Raises:
            RehearsalError: with the last lines that it printed.

        """
        run = self.run(*arguments)
        if run.code:
            raise RehearsalError(
                what=f"`pulumi {' '.join(arguments)}` of stack {self.stack} failed",
                why="\n".join(run.output.strip().splitlines()[-_TOLD_LINES:]),
                mend="mend what it names, then rehearse again: each rehearsal begins anew",
                where=self._log(arguments[0]),
            )
        return run

    def state(self) -> list[dict[str, Any]]:
        """The state's resources, secrets encrypted."""
        exported = json.loads(self.succeed("stack", "export").output)
        found: list[dict[str, Any]] = exported["deployment"].get("resources", [])
        return found

    def _log(self, command: str) -> Path:
        return self.logs / f"pulumi-{command}.log"
