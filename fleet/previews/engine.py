"""Previews' stacks by Pulumi's Automation API: the same program, one stack more."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property

from pulumi.automation import (
    CommandError,
    ConcurrentUpdateError,
    ConfigValue,
    LocalWorkspace,
    PulumiCommand,
    Stack,
    StackNotFoundError,
    StackSummary,
)

from fleet import engine_lock, stack_file
from fleet.engine import Engine
from fleet.previews.naming import is_preview
from fleet.previews.place import Place
from rehearsal.errors import RehearsalError

Report = Callable[[str], None]

_TOLD_LINES = 15
# Without it the Kubernetes provider refuses to create what exists (pulumi-kubernetes 4.34).
_ADOPT = "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"
_BACKEND = "PULUMI_BACKEND_URL"


class PreviewEngine:
    """Pulumi at work on the stacks of one place; every method raises RehearsalError."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @cached_property
    def _workspace(self) -> LocalWorkspace:
        root = self._place.pulumi.parent.parent
        with _told("pulumi"):
            command = PulumiCommand(root=str(root) if self._in_bin else None)
        # It may be called from elsewhere than a folder `bin`.
        command.command = str(self._place.pulumi)
        return LocalWorkspace(
            work_dir=str(self._place.project.root),
            env_vars=self._place.environ,
            pulumi_command=command,
        )

    @property
    def _in_bin(self) -> bool:
        return self._place.pulumi.parent.name == "bin"

    def output(self, stack: str, name: str) -> object:
        """An output of a stack; None where there is no such output, or stack."""
        try:
            with _told(f"the outputs of stack {stack}"):
                found = self._workspace.stack_outputs(stack).get(name)
        except StackNotFoundError:
            return None
        return None if found is None else found.value

    def previews(self) -> dict[str, StackSummary]:
        """Every preview's stack of the backend, by name."""
        with _told("the list of stacks"):
            stacks = self._workspace.list_stacks()
        found = {each.name.rsplit("/", 1)[-1]: each for each in stacks}
        return {name: found[name] for name in sorted(found) if is_preview(name)}

    def up(self, name: str, report: Report) -> None:
        """Bring a preview up; one that was cut short goes on from there."""
        self._release(name, report)
        with self._selected(name) as stack:
            self._set_token(name)
            if self._was_cut_short(stack):
                report("an earlier run was cut short: taking over its objects")
                self._repair(stack, report)
            with _told(f"`up` of stack {name}"):
                stack.up(color="never", on_output=report, suppress_outputs=True)

    def destroy(self, name: str, report: Report) -> None:
        """Take a preview's objects away; its stack stays, without a resource."""
        self._release(name, report)
        with self._selected(name) as stack, _told(f"`destroy` of stack {name}"):
            if self._was_cut_short(stack):
                report("an earlier run was cut short: looking what there is")
                stack.refresh(color="never", clear_pending_creates=True, on_output=report)
            stack.destroy(color="never", on_output=report)

    def remove(self, name: str) -> None:
        """Forget a stack without resources, and its stack file."""
        # Pulumi selects none once it has removed one.
        with self._selection_kept(), _told(f"removing stack {name}"):
            self._workspace.remove_stack(name)

    @contextmanager
    def _selected(self, name: str) -> Iterator[Stack]:
        """Work on a stack, made if it is new."""
        with self._selection_kept():
            with _told(f"selecting stack {name}"):
                stack = Stack.create_or_select(name, self._workspace)
            yield stack

    @contextmanager
    def _selection_kept(self) -> Iterator[None]:
        """Let plain `pulumi` mean the stack it meant before, and never a preview."""
        with _told("the stack that is selected"):
            found = self._workspace.stack()
        before = found.name if found else self._place.base
        # A run that was killed left a preview selected.
        after = self._place.base if is_preview(before.rsplit("/", 1)[-1]) else before
        try:
            yield
        finally:
            with suppress(CommandError):
                self._workspace.select_stack(after)

    def _set_token(self, name: str) -> None:
        """Draw a token for the HTTP API where there is none."""
        if not stack_file.is_secret_set(self._place.project.stack_file(name)):
            token = ConfigValue(secrets.token_urlsafe(24), secret=True)
            with _told(f"the token of stack {name}"):
                self._workspace.set_config(name, stack_file.TOKEN_KEY, token)

    def _was_cut_short(self, stack: Stack) -> bool:
        with _told(f"the state of stack {stack.name}"):
            deployment = stack.export_stack().deployment
        return bool((deployment or {}).get("pending_operations"))

    def _repair(self, stack: Stack, report: Report) -> None:
        """Forget what was under way, then take over whatever of it exists."""
        with _told(f"taking over what stack {stack.name} had begun"):
            stack.refresh(color="never", clear_pending_creates=True, on_output=report)
            kept = self._workspace.env_vars
            self._workspace.env_vars = {**kept, _ADOPT: "true"}
            try:
                stack.up(color="never", on_output=report, suppress_outputs=True)
            finally:
                self._workspace.env_vars = kept

    def _release(self, name: str, report: Report) -> None:
        """Of a pulumi that died on this machine; elsewhere nobody here can tell that it did."""
        project = self._place.project
        own = self._place.environ.get(_BACKEND) == project.backend.as_uri()
        if own and engine_lock.files(project, name):
            engine = Engine(project, name, self._place.pulumi, self._place.environ)
            engine.release_stale_lock(report)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Tell a failure of Pulumi's in its own words; a stack that is missing passes through."""
    try:
        yield
    except StackNotFoundError:
        raise
    except ConcurrentUpdateError as error:
        raise RehearsalError(
            what=f"{what}: the stack is locked",
            why=_tail(error),
            mend="wait for the run that holds it; once you are sure that it died: pulumi cancel "
            "-s STACK, then run this again",
        ) from error
    except CommandError as error:
        raise RehearsalError(
            what=f"{what} failed",
            why=_tail(error),
            mend="mend what it names, then run the same command again: it goes on from there",
        ) from error


def _tail(error: CommandError) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return "\n".join(lines[-_TOLD_LINES:])
