"""Gathers what a pull request's comment tells, and writes it."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.pipeline import cost as costs
from fleet.pipeline.comment import Environment, Told, markdown
from fleet.pipeline.cost import CostChange
from fleet.pipeline.engine import Pulumi
from rehearsal.errors import RehearsalError


@dataclass(frozen=True)
class Composed:
    """A comment, and whether what it tells of is well."""

    body: str
    failed: bool
    """Whether the stack's preview failed, or a mandatory policy is broken."""


def compose(
    pulumi: Pulumi, commit: str, base: str | None, environment: Environment | None
) -> Composed:
    """Preview the stack as the commit would leave it, cost it, and make the comment of it.

    `base` is the commit to compare the cost with; None: nothing is previewed, as the pull request
    is closed.
    """
    told = Told(pulumi.stack, commit, _run_url(os.environ), environment=environment)
    if base is None:
        return Composed(markdown(told), failed=False)
    cost = _cost(pulumi.folder, pulumi.stack, commit, base)
    pulumi.set_revision(commit)
    seen = pulumi.preview()
    body = markdown(replace(told, changes=seen.changes, cost=cost))
    return Composed(body, failed=bool(seen.code) or not seen.changes.complete)


def environment_of(state: str | None, told: Path | None) -> Environment | None:
    """What a step says of the branch's environment: its outcome, and a file with its output."""
    if state is None:
        return None
    named = {"success": "up", "gone": "gone"}
    named |= dict.fromkeys(("failure", "cancelled", "skipped"), "failed")
    if state not in named:
        raise RehearsalError(
            what=f"{state!r} is no state of a preview environment",
            why=f"it is one of {', '.join(named)}",
            mend="pass the outcome of the step that made it",
        )
    return Environment(named[state], told.read_text() if told and told.is_file() else "")


def _cost(folder: Path, stack: str, commit: str, base: str) -> CostChange:
    name = f"Pulumi.{stack}.yaml"
    # Not the file as it lies there: `pulumi config set` has written the commit into it.
    after = _at(folder, commit, name)
    if after is None:
        return CostChange(None, None, f"{name} is not in this commit")
    return costs.compare(after, _at(folder, base, name), name)


def _at(folder: Path, commit: str, name: str) -> str | None:
    """A file as it is in a commit; None where it is not in it."""
    known = _git(folder, "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}")
    if known.returncode:
        raise RehearsalError(
            what=f"commit {commit} is not in this checkout",
            why=known.stderr.strip() or "git does not know it",
            mend="fetch it: in CI, check out with fetch-depth: 0",
        )
    found = _git(folder, "show", f"{commit}:{name}")
    return None if found.returncode else found.stdout


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def _run_url(environ: Mapping[str, str]) -> str:
    """Of the run on GitHub; without one, the repository's page will do for a look by hand."""
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    repository = environ.get("GITHUB_REPOSITORY", "")
    run = environ.get("GITHUB_RUN_ID")
    return f"{server}/{repository}/actions/runs/{run}" if run else f"{server}/{repository}"
