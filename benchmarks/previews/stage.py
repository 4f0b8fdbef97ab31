"""A base that is up in a project folder of its own, and `fleet` commands beside it."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.live import stage as live
from fleet.project import STATE_VARIABLE, Project, find
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

BASE = "local"
_TEMPLATE = "stacks/imagineer.yaml"
_SAID_LINES = 15
_STEP = re.compile(r"^ *([0-9]+\.[0-9]) s  (.{14})", re.MULTILINE)


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    output: str
    seconds: float

    @property
    def steps(self) -> dict[str, float]:
        """Seconds at which it told of each step, off its progress lines."""
        return {step.strip(): float(at) for at, step in _STEP.findall(self.output)}


@dataclass(frozen=True)
class Stage(live.Stage):
    """The rehearsal of the base, and the commands of its project."""

    base: str = BASE

    @property
    def layout(self) -> Layout:
        return Layout(self.project.rehearsal)

    def preview(self, command: str, *arguments: str) -> Ran:
        """Run `fleet preview` to its end, whatever comes of it."""
        return self.start(command, *arguments).ended()

    def succeed(self, command: str, *arguments: str) -> Ran:
        """Run a `fleet preview` that has to succeed.

        Raises:
            RehearsalError: with what it said.

        """
        return _checked(self.preview(command, *arguments), f"`fleet preview {command}`")

    def smoke(self, preview: str) -> Ran:
        """Send a probe through every queue of a preview.

        Raises:
            RehearsalError: with what it said, where a queue is not well.

        """
        return _checked(
            _started(self.project, "smoke", "--stack", preview).ended(), "`fleet smoke`"
        )

    def start(self, command: str, *arguments: str) -> "Running":
        """Start a `fleet preview` beside the base."""
        return _started(self.project, "preview", command, "--base", self.base, *arguments)


@dataclass(frozen=True)
class Running:
    """A command at work."""

    process: "subprocess.Popen[str]"
    since: float

    def ended(self) -> Ran:
        """Wait for it."""
        output, _ = self.process.communicate()
        return Ran(self.process.returncode, output, time.monotonic() - self.since)


@contextmanager
def staged(name: str, report: live.Report) -> Iterator[Stage]:
    """Bring a base up without its demonstration; take it and its folder away again.

    The folder stays where something fails.

    Raises:
        RehearsalError: it does not come up.

    """
    project = _laid_out(find(Path(__file__)), name)
    try:
        report("fleet up")
        _checked(_started(project, "up", "--no-demonstrate", "--stack", BASE).ended(), "`fleet up`")
        with closing(Stage(project)) as stage:
            yield stage
    finally:
        report("fleet down")
        _started(project, "down").ended()
    shutil.rmtree(project.root)


def _laid_out(checkout: Project, name: str) -> Project:
    """The checkout by links, below its own state, with a base out of its template."""
    root = checkout.state / name
    if root.exists():
        _started(Project(root, root / ".state"), "down").ended()
        shutil.rmtree(root)
    root.mkdir(parents=True)
    skipped = {path.name for path in checkout.root.glob("Pulumi.*.yaml")}
    for path in checkout.root.iterdir():
        if path.name not in skipped and not path.name.startswith("."):
            (root / path.name).symlink_to(path)
    # Pulumi.yaml names it.
    (root / ".venv").symlink_to(Path(sys.prefix))
    project = Project(root, root / ".state")
    project.stack_file(BASE).write_text((checkout.root / _TEMPLATE).read_text())
    return project


def _started(project: Project, *arguments: str) -> Running:
    """A `fleet` command, which leads a group of its own."""
    variables = {key: value for key, value in os.environ.items() if key != STATE_VARIABLE}
    since = time.monotonic()
    process = subprocess.Popen(
        [str(Path(sys.prefix) / "bin" / "fleet"), *arguments],
        cwd=project.root,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    return Running(process, since)


def _checked(ran: Ran, what: str) -> Ran:
    if ran.code == 0:
        return ran
    raise RehearsalError(
        what=f"{what} failed after {ran.seconds:.0f} s",
        why="\n".join(ran.output.strip().splitlines()[-_SAID_LINES:]),
        mend="read the logs of the stage, which stays as it is",
    )
