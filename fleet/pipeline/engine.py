"""Runs Pulumi as a job of CI does: its output in the job's log, its events read."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fleet.pipeline import changes
from fleet.pipeline.changes import Changes
from rehearsal.errors import RehearsalError

_IMAGE = "celery-fleet:image"
_CARRIES_ON = "run the job again: it carries on"
_POLICIES = ("--policy-pack", "policy", "--policy-pack-config", "policies.json")


@dataclass(frozen=True)
class Previewed:
    """How a preview ended, and what it told."""

    code: int
    changes: Changes


@dataclass(frozen=True)
class Pulumi:
    """The Pulumi CLI on one stack of the project in `folder`."""

    folder: Path
    stack: str
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    """None: this process's own."""
    policies: tuple[str, ...] = _POLICIES

    def set_revision(self, revision: str) -> None:
        """Have the stack build its image of this commit; only the stack file is changed.

        A stack whose image is given by reference is left as it is: its file names the commit.
        """
        if self.stated_revision() is not None:
            self._succeed("config", "set", "--path", f"{_IMAGE}.build.revision", revision)

    def stated_revision(self) -> str | None:
        """What the stack file says that its image is built of; None where it builds none."""
        document = yaml.safe_load((self.folder / f"Pulumi.{self.stack}.yaml").read_text())
        image = document["config"].get(_IMAGE)
        if not isinstance(image, dict) or "build" not in image:
            return None
        return str(image["build"]["revision"])

    def preview(self, *options: str, policies: bool = True) -> Previewed:
        """Preview the stack, whatever comes of it.

        The events have every property that is not secret, so they are gone when this returns.
        """
        judged = self.policies if policies else ()
        with tempfile.TemporaryDirectory() as folder:
            events = Path(folder) / "events"
            # Without the variable the CLI does not know the option.
            debug = {"PULUMI_DEBUG_COMMANDS": "true"}
            code = self._run("preview", *judged, *options, "--event-log", str(events), **debug)
            log = events.read_text() if events.is_file() else ""
        return Previewed(code, changes.read(changes.parse(log)))

    def carry_out(self, plan: Path, then: str = _CARRIES_ON) -> None:
        """Run what a preview has saved, and nothing beyond it; `then` mends a half-done one.

        Raises:
            RehearsalError: where it fails, or would do more than the plan allows.

        """
        self._succeed("up", "--yes", "--plan", str(plan), *self.policies, then=then)

    def outputs(self) -> dict[str, Any]:
        """What the stack's last `up` told, secrets masked.

        Raises:
            RehearsalError: there is no such stack, or its state cannot be read.

        """
        ended = self._start(("stack", "output", "--json"), {}, subprocess.PIPE)
        self._check("stack output", ended.returncode, _CARRIES_ON)
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def _succeed(self, *arguments: str, then: str = _CARRIES_ON) -> None:
        self._check(arguments[0], self._run(*arguments), then)

    def _check(self, command: str, code: int, then: str) -> None:
        if code:
            raise RehearsalError(
                what=f"`pulumi {command}` of stack {self.stack} ended with {code}",
                why="its own lines, above, say why",
                mend=f"mend what they name and {then}",
            )

    def _run(self, *arguments: str, **more: str) -> int:
        return self._start(arguments, more).returncode

    def _start(
        self, arguments: Sequence[str], more: Mapping[str, str], stdout: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        environ = os.environ if self.environ is None else self.environ
        told = ("--stack", self.stack, "--non-interactive", "--color", "never")
        try:
            return subprocess.run(
                ["pulumi", *arguments, *told],
                cwd=self.folder,
                env={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true", **more},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise RehearsalError(
                what="pulumi is not on PATH",
                why=str(error),
                mend='put it there: export PATH="$(.ci/pulumi):$PATH"',
            ) from error
