"""Gathers what a pull request's comment tells, and says whether all of it is well."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.pipeline import stack_files
from fleet.pipeline.comment import Told, files_told, markdown
from fleet.pipeline.engine import Pulumi
from fleet.pipeline.environment import Environment
from rehearsal.errors import RehearsalError

_STATES = {"success": "up", "gone": "gone", "left": "left"}
_STATES |= dict.fromkeys(("failure", "cancelled", "skipped"), "failed")


@dataclass(frozen=True)
class Composed:
    """A comment, and whether what it tells of is well."""

    body: str
    failed: bool
    """Whether something could not be looked at, or a mandatory policy is broken."""


def compose(
    pulumi: Pulumi, commit: str, base: str | None, environment: Environment | None
) -> Composed:
    """Make the comment: words and costs of the stack files, and the stack as Pulumi previews it.

    What cannot be looked at is told in the comment: one that fell silent would tell of an older
    commit. `base` is the commit to compare with; None: nothing is looked at, as the pull request
    is closed.
    """
    told = Told(pulumi.stack, commit, _run_url(os.environ), environment=environment)
    if base is None:
        return Composed(markdown(told), failed=False)
    failed = False
    try:
        files = tuple(stack_files.changes(pulumi.folder, commit, base))
        told = replace(told, files=files)
        failed = any(each.refused for each in files)
        pulumi.set_revision(commit)
        seen = pulumi.preview()
        told = replace(told, changes=seen.changes)
        failed = failed or bool(seen.code) or not seen.changes.complete
    except RehearsalError as error:
        told, failed = replace(told, problem=str(error)), True
    return Composed(markdown(told), failed)


def compared(folder: Path, commit: str, base: str) -> Composed:
    """Tell the same of the stack files alone, which needs no right to anything."""
    found = stack_files.changes(folder, commit, base)
    return Composed(files_told(found), failed=any(each.refused for each in found))


def environment_of(state: str | None, told: Path | None) -> Environment | None:
    """What a step says of the branch's environment: its outcome, and a file with its output."""
    if state is None:
        return None
    if state not in _STATES:
        raise RehearsalError(
            what=f"{state!r} is no state of a preview environment",
            why=f"it is one of {', '.join(_STATES)}",
            mend="pass the outcome of the step that made it",
        )
    return Environment(_STATES[state], told.read_text() if told and told.is_file() else "")


def _run_url(environ: Mapping[str, str]) -> str:
    """Of the run on GitHub; without one, the repository's page will do for a look by hand."""
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    repository = environ.get("GITHUB_REPOSITORY", "")
    run = environ.get("GITHUB_RUN_ID")
    return f"{server}/{repository}/actions/runs/{run}" if run else f"{server}/{repository}"
