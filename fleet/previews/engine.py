"""Previews' stacks by Pulumi's Automation API: the same program, one stack more.

Its commands name the stack that they mean: plain `pulumi` goes on to mean the one it meant before.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pulumi.automation import (
    ConcurrentUpdateError,
    PulumiCommand,
    StackAlreadyExistsError,
    StackNotFoundError,
)

from fleet import engine_lock, stack_config, stack_file
from fleet.engine import ADOPTING, Engine
from fleet.previews import held
from fleet.previews.failures import telling
from fleet.previews.half_written import remove_half_written
from fleet.previews.naming import is_preview
from fleet.previews.place import Place
from infra.models.guest_broker import GuestBroker
from rehearsal.errors import RehearsalError

Report = Callable[[str], None]

_BACKEND = "PULUMI_BACKEND_URL"
# In Kubernetes' words, Pulumi's, and AWS'.
_EXISTS = re.compile(r"exists already|already ?exists|already in", re.IGNORECASE)
_AT_ONCE = ("--yes", "--skip-preview", "--color", "never")


@dataclass(frozen=True)
class Summary:
    """What the state backend lists of a stack."""

    resources: int
    at_work: bool
    """Whether some Pulumi is known to hold it; of buckets nobody tells it in a list."""


class PreviewEngine:
    """Pulumi at work on the stacks of one place; every method raises RehearsalError."""

    def __init__(
        self, place: Place, *, break_lock: bool = False, break_old_lock: bool = False
    ) -> None:
        self._place = place
        self._break_lock, self._break_old_lock = break_lock, break_old_lock

    def output(self, stack: str, name: str) -> object:
        """An output of a stack; None where there is no such output, or stack."""
        try:
            with telling(f"the outputs of stack {stack}"):
                told = self._run("stack", "output", "--json", "--show-secrets", "--stack", stack)
        except StackNotFoundError:
            return None
        found: Mapping[str, object] = json.loads(told)
        return found.get(name)

    def previews(self) -> dict[str, Summary]:
        """Every preview's stack of the backend, by name.

        One that Pulumi lists with an organisation is not of the default one: commands that name
        it without would mean another.
        """
        with telling("the list of stacks"):
            listed = self._listed()
        found = {each["name"]: each for each in listed if is_preview(each["name"])}
        return {name: self._summary(name, found[name]) for name in sorted(found)}

    def claim(self, name: str, report: Report) -> None:
        """Make a preview's stack where it is new, and see that nobody is at work on it."""
        self._release(name, report)
        with telling(f"making stack {name}", name):
            try:
                self._make(name)
            except ConcurrentUpdateError as error:
                self._break(name, str(error), report)
                self._make(name)

    def up(
        self, name: str, report: Report, token: str | None = None, *, taken_apart: bool = False
    ) -> None:
        """Bring a claimed preview up; one that was cut short goes on from there.

        Args:
            name: the preview's.
            report: told how far it is.
            token: of its API, where one is known that its stack file does not have.
            taken_apart: some of it may have gone without Pulumi's knowledge.

        """
        engine = self._cli(name)
        # By standard input: an argument could be seen in the list of processes.
        engine.set_api_token(token)
        # Asked first: settling forgets what was under way.
        cut_short = engine.was_cut_short()
        if cut_short or taken_apart:
            self._settle(name, report)
        if cut_short:
            self._take_over(name, report)
        try:
            self._up(name, report)
        except RehearsalError as error:
            # Killed once more after it had settled: nothing tells any longer what is its own.
            if not _EXISTS.search(str(error.__cause__ or error.why)):
                raise
            self._settle(name, report)
            self._take_over(name, report)
            self._up(name, report)

    def destroy(self, name: str, report: Report) -> None:
        """Take a claimed preview's objects away; its stack stays, without a resource."""
        if self._cli(name).was_cut_short():
            self._settle(name, report)
        with telling(f"`destroy` of stack {name}", name):
            self._run("destroy", *_AT_ONCE, "--stack", name, report=report)
        self._remove_lost_users(name, report)

    def remove(self, name: str) -> None:
        """Forget a stack without resources, its history and its stack file."""
        with telling(f"removing stack {name}", name):
            selected = next((s["name"] for s in self._listed() if s.get("current")), None)
            self._run("stack", "rm", name, "--yes", "--remove-backups")
            # With any stack that is removed Pulumi forgets which one was selected (3.255).
            if selected not in {None, name}:
                self._run("stack", "select", selected)
        if self._in_own_backend:
            remove_half_written(self._place.project.backend, name)

    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._run("stack", "ls", "--json"))
        return found

    @cached_property
    def _command(self) -> PulumiCommand:
        program = self._place.pulumi
        root = str(program.parent.parent) if program.parent.name == "bin" else None
        with telling("pulumi"):
            command = PulumiCommand(root=root)
        # It may be called from elsewhere than a folder `bin`.
        command.command = str(program)
        return command

    def _run(
        self, *arguments: str, report: Report | None = None, more: Mapping[str, str] | None = None
    ) -> str:
        folder, variables = str(self._place.project.root), {**self._place.environ, **(more or {})}
        return self._command.run([*arguments], folder, variables, report).stdout

    def _up(self, name: str, report: Report, more: Mapping[str, str] | None = None) -> None:
        with telling(f"`up` of stack {name}", name):
            arguments = ("up", *_AT_ONCE, "--suppress-outputs", "--stack", name)
            self._run(*arguments, report=report, more=more)

    def _settle(self, name: str, report: Report) -> None:
        report("an earlier run was cut short: looking what there is")
        self._remove_lost_users(name, report)
        self._cli(name).settle()

    def _remove_lost_users(self, name: str, report: Report) -> None:
        config = stack_config.read(self._place.project.stack_file(name))
        if isinstance(config.broker, GuestBroker):
            from fleet.previews import lost_users  # noqa: PLC0415 - boto3 takes 0.2 s to import

            known = self._cli(name).resources()
            lost_users.remove(config.namespace, config.broker, known, report)

    def _take_over(self, name: str, report: Report) -> None:
        report("an earlier run was cut short: taking over its objects")
        self._up(name, report, ADOPTING)

    def _make(self, name: str) -> None:
        """Pulumi takes the stack's lock before it looks whether the stack is there.

        And before both it opens the secrets: by the key of the base, else where no passphrase is
        set, as in CI, not even a stack that is there could be asked.
        """
        project = self._place.project
        key = stack_file.secrets_provider(project.stack_file(self._place.base))
        by = ["--secrets-provider", key] if key else []
        with suppress(StackAlreadyExistsError):
            self._run("stack", "init", name, "--no-select", *by)

    def _break(self, name: str, told: str, report: Report) -> None:
        now = datetime.now(UTC)
        may_break = self._break_lock and held.may_break(told, now)
        if not (may_break or (self._break_old_lock and held.is_old(told, now))):
            raise held.refusal(name, told, now)
        report("releasing the lock of a pulumi that seems to be dead")
        try:
            self._run("cancel", "--yes", "--stack", name)
        except StackNotFoundError as error:
            first = next(held.holders(told))
            raise RehearsalError(
                what=f"the lock of stack {name} cannot be released by Pulumi",
                why="whoever holds it was killed while it made the stack, which is not there yet",
                mend="delete the file by the bucket's own means, then run this again",
                where=first.url,
            ) from error

    def _cli(self, name: str) -> Engine:
        return Engine(self._place.project, name, self._place.pulumi, self._place.environ)

    @property
    def _in_own_backend(self) -> bool:
        return self._place.environ.get(_BACKEND) == self._place.project.backend.as_uri()

    def _release(self, name: str, report: Report) -> None:
        """Of a pulumi that died on this machine; elsewhere nobody here can tell that it did."""
        if self._in_own_backend and engine_lock.files(self._place.project, name):
            self._cli(name).release_stale_lock(report)

    def _summary(self, name: str, listed: Mapping[str, object]) -> Summary:
        holders = engine_lock.holders(self._place.project, name) if self._in_own_backend else []
        resources = listed.get("resourceCount")
        return Summary(
            resources if isinstance(resources, int) else 0,
            bool(listed.get("updateInProgress") or holders),
        )
