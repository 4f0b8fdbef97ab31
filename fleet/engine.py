"""Runs the Pulumi CLI: selects the stack, sets its token, brings it up, clears stale locks."""

import json
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fleet import engine_lock, stack_file
from fleet.engine_events import EventTail, UpdateView, planned_changes
from fleet.project import Project
from rehearsal.errors import RehearsalError

_POLL_S = 0.1
_FINISH_S = 60.0
"""How long an earlier pulumi may take to finish what it had begun."""
# Without it the Kubernetes provider refuses to create what exists (pulumi-kubernetes 4.34).
ADOPTING = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}
"""Variables of an `up` that takes over what exists."""
_MAX_INTERRUPTS = 2
"""Pulumi cancels at the first SIGINT and ends at the second."""


@dataclass(frozen=True)
class Engine:
    """The Pulumi CLI at work on one stack of a project."""

    project: Project
    stack: str
    program: Path
    environment: Mapping[str, str]

    def select(self) -> None:
        """Make the stack if it is new, and the one that plain `pulumi` commands mean."""
        self._run("stack", "select", "--create", self.stack)

    def set_api_token(self, known: str | None = None) -> bool:
        """Set an API token where there is none, a random one unless one is known already.

        Returns:
            Whether it was set.

        """
        if stack_file.is_secret_set(self.project.stack_file(self.stack)):
            return False
        token = known or secrets.token_urlsafe(24)
        self._run("config", "set", "--secret", stack_file.TOKEN_KEY, *self._on_stack, given=token)
        return True

    def release_stale_lock(self, report: Callable[[str], None]) -> None:
        """Wait for a pulumi that is still at work; clear the lock of one that is dead."""
        for pid in engine_lock.holders(self.project, self.stack):
            self._await_end(pid, report)
        if left := engine_lock.files(self.project, self.stack):
            report("an earlier pulumi died and left the stack locked; releasing it")
            if self.stack in self.project.deployed_stacks():
                self._run("cancel", "--yes", self.stack)
            # Of one that died while it made the stack: `cancel` finds none.
            for lock in left:
                lock.unlink(missing_ok=True)

    def was_cut_short(self) -> bool:
        """Whether a killed pulumi left operations under way, which it cannot tell done or not."""
        return bool(self._deployment().get("pending_operations"))

    def resources(self) -> list[dict[str, Any]]:
        """Return what the state holds, as Pulumi exports it; secrets stay encrypted."""
        found: list[dict[str, Any]] = self._deployment().get("resources") or []
        return found

    def repair(self, report: Callable[[str], None]) -> None:
        """Settle what was under way: forget it, then take over whatever of it exists.

        The `up` that follows takes the permission to take over back out of the state.
        """
        self.settle()
        replace(self, environment={**self.environment, **ADOPTING}).up(report)

    def settle(self) -> None:
        """Look what there is, and forget what was under way."""
        self._run("refresh", "--yes", "--skip-preview", "--clear-pending-creates", *self._on_stack)

    def up(self, report: Callable[[str], None]) -> UpdateView:
        """Run `pulumi up`; its output goes to a log.

        Raises:
            RehearsalError: with Pulumi's diagnostics.
            KeyboardInterrupt: once Pulumi has ended by itself.

        """
        log, events = self.log, self.project.logs / "pulumi-up.events"
        events.unlink(missing_ok=True)
        arguments = ["up", "--yes", "--non-interactive", "--color", "never", *self._on_stack]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.program, *arguments, "--event-log", events],
                cwd=self.project.root,
                env={**self.environment, "PULUMI_DEBUG_COMMANDS": "true"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: the terminal's Ctrl-C must not reach the plugins, which
                # Pulumi still needs in order to finish what it has begun.
                process_group=0,
            )
            view = _follow(process, EventTail(events), log, report)
        events.unlink(missing_ok=True)
        if process.returncode:
            raise self._failed(process.returncode, view)
        return view

    def _deployment(self) -> dict[str, Any]:
        state = json.loads(self._run("stack", "export", *self._on_stack))
        return state.get("deployment") or {}

    @property
    def log(self) -> Path:
        """Where the output of `pulumi up` goes."""
        return self.project.logs / "pulumi-up.log"

    @property
    def _on_stack(self) -> list[str]:
        return ["--stack", self.stack]

    def _run(self, *arguments: str, given: str | None = None) -> str:
        done = subprocess.run(
            [self.program, *arguments, "--non-interactive", "--color", "never"],
            cwd=self.project.root,
            env=dict(self.environment),
            input=given or "",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RehearsalError(
                what=f"`pulumi {arguments[0]} {arguments[1]}` failed",
                why=(done.stderr or done.stdout).strip(),
                mend='try it by hand after: eval "$(.venv/bin/fleet env)"',
                where=self.project.stack_file(self.stack),
            )
        return done.stdout

    def _await_end(self, pid: int, report: Callable[[str], None]) -> None:
        report(f"an earlier pulumi (pid {pid}) is still at work on the stack; waiting for it")
        deadline = time.monotonic() + _FINISH_S
        while pid in engine_lock.holders(self.project, self.stack):
            if time.monotonic() > deadline:
                raise RehearsalError(
                    what=f"another pulumi (pid {pid}) holds stack {self.stack}",
                    why=f"it has not finished within {_FINISH_S:.0f} s",
                    mend=f"wait for it, or end it with: kill -INT {pid}",
                    where=self.project.backend,
                )
            time.sleep(_POLL_S)

    def _failed(self, code: int, view: UpdateView) -> RehearsalError:
        tail = self.log.read_text(errors="replace").strip().splitlines()[-15:]
        killed = [f"something ended it with signal {-code}"] if code < 0 else []
        return RehearsalError(
            what=f"`pulumi up` of stack {self.stack} failed",
            why="\n".join(view.errors or killed or tail or ["it printed nothing"]),
            mend="mend what it names, then run `make up` again: it goes on from there",
            where=self.log,
        )


def _follow(
    process: subprocess.Popen[bytes],
    tail: EventTail,
    log: Path,
    report: Callable[[str], None],
) -> UpdateView:
    """Watch an update until it ends; Ctrl-C is handed on, once per press."""
    view, interrupts = UpdateView(), 0
    while True:
        try:
            ended = process.poll() is not None
            for event in tail.read():
                view.see(event)
            if view.total is None:
                view.total = planned_changes(log.read_text(errors="replace"))
            if ended:
                break
            report(_told(view, interrupts))
            time.sleep(_POLL_S)
        except KeyboardInterrupt:
            interrupts += 1
            process.send_signal(signal.SIGINT if interrupts <= _MAX_INTERRUPTS else signal.SIGKILL)
    if interrupts:
        raise KeyboardInterrupt
    return view


def _told(view: UpdateView, interrupts: int) -> str:
    if interrupts:
        return f"{view}; pulumi finishes what it has begun, Ctrl-C again ends it at once"
    return str(view)
