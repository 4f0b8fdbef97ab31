"""What git knows of branches: the checked-out one, their commits, which of them are gone."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError

_REMOTE = "origin"
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Checkout:
    """A folder that git may know; it is only read."""

    folder: Path

    def branch(self) -> str:
        """The branch that is checked out.

        Raises:
            RehearsalError: none is, as where CI has checked out a commit.

        """
        found = self._git("symbolic-ref", "--quiet", "--short", "HEAD")
        if found:
            return found
        raise RehearsalError(
            what="no branch is checked out here",
            why="git has none at HEAD, or this is no checkout",
            mend="name the branch: --branch B",
            where=self.folder,
        )

    def commit(self, branch: str) -> str | None:
        """The commit of a branch, here or as last fetched; None where git does not know it."""
        for place in (f"refs/heads/{branch}", f"refs/remotes/{_REMOTE}/{branch}"):
            if found := self._git("rev-parse", "--verify", "--quiet", f"{place}^{{commit}}"):
                return found
        return None

    def branches(self) -> frozenset[str]:
        """Every branch that there is: the remote's where there is one, else this checkout's.

        Raises:
            RehearsalError: git cannot tell; an empty answer would condemn every preview.

        """
        if self._git("remote", "get-url", _REMOTE):
            told = self._git("ls-remote", "--heads", _REMOTE)
            lines = (told or "").splitlines()
            found = frozenset(line.split("\t", 1)[1].removeprefix("refs/heads/") for line in lines)
        else:
            told = self._git("for-each-ref", "--format=%(refname)", "refs/heads")
            found = frozenset(ref.removeprefix("refs/heads/") for ref in (told or "").splitlines())
        if found:
            return found
        raise RehearsalError(
            what="git tells of no branch at all",
            why="the remote does not answer, or this is no checkout",
            mend="run it in a checkout whose remote answers: git ls-remote --heads origin",
            where=self.folder,
        )

    def _git(self, *arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                check=False,
                timeout=_LIMIT_S,
            )
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return None
        return None if done.returncode else done.stdout.strip() or None
