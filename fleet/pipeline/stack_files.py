"""What a pull request does to each stack whose file is in it: asks git, and no cloud."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet import stack_config
from fleet.difference import files, view
from fleet.pipeline import cost as costs
from fleet.pipeline.cost import CostChange
from fleet.pipeline.markdown import block
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError

_FILE = re.compile(r"Pulumi\.([\w-]+)\.yaml")
# Those that people look for first; others follow by name.
_ORDER = ("prod", "staging")


@dataclass(frozen=True)
class FileChange:
    """One stack's file in both commits."""

    stack: str
    words: str
    """Markdown: what the change does to the fleet, in an operator's words."""
    cost: CostChange
    refused: bool = False
    """Whether the new file is none that the program takes."""
    grafana_url: str | None = None
    """Where its dashboards are shown."""


def changes(folder: Path, commit: str, base: str) -> list[FileChange]:
    """Hold every stack file of a commit against that of the commit where it left `base`.

    Not against `base` itself: what has been merged there since would be told backwards.

    Raises:
        RehearsalError: one of the commits is not in this checkout.

    """
    parting = _git(folder, "merge-base", base, commit)
    # Without a common history, and where git does not know a commit, which is told below.
    before = _texts(folder, base if parting.returncode else parting.stdout.strip())
    after = _texts(folder, commit)
    stacks = sorted({*after, *before}, key=lambda name: (name not in _ORDER, name))
    return [_change(stack, after.get(stack), before.get(stack)) for stack in stacks]


def _change(stack: str, after: str | None, before: str | None) -> FileChange:
    name = f"Pulumi.{stack}.yaml"
    if after is None:
        words = f"### Stack `{stack}`: {name} goes; what is up stays up until `pulumi destroy`\n"
        return FileChange(stack, words, CostChange(None, None, f"{name} is not in this commit"))
    cost = costs.compare(after, before, name)
    try:
        new = stack_config.read_text(after, name)
    except RehearsalError as error:
        words = "\n".join([f"### Stack `{stack}`: **{name} is refused**", *block(error.why), ""])
        return FileChange(stack, words, cost, refused=True)
    words = f"### Stack `{stack}`: {name} is as before\n"
    if before != after:
        words = _words(stack, name, new, before)
    return FileChange(stack, words, cost, grafana_url=new.monitoring.grafana_url)


def _words(stack: str, name: str, new: FleetConfig, before: str | None) -> str:
    heading = f"### Stack `{stack}`"
    if before is None:
        return f"{heading}: {name} is new\n"
    try:
        old = stack_config.read_text(before, name)
    except RehearsalError:
        return f"{heading}: not compared; the former {name} is refused by today's rules\n"
    return view.markdown(stack, files.compare(old, new))


def _texts(folder: Path, commit: str) -> Mapping[str, str]:
    """Stack files as they are in a commit, by stack.

    Not as they lie in the folder: `pulumi config set` writes into them, and `fleet preview up`
    makes some of its own.
    """
    listed = _git(folder, "ls-tree", "--name-only", f"{commit}^{{commit}}")
    if listed.returncode:
        raise RehearsalError(
            what=f"commit {commit} is not in this checkout",
            why=listed.stderr.strip() or "git does not know it",
            mend="fetch it: in CI, check out with fetch-depth: 0",
        )
    found = (_FILE.fullmatch(line) for line in listed.stdout.splitlines())
    return {each[1]: _git(folder, "show", f"{commit}:{each[0]}").stdout for each in found if each}


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
