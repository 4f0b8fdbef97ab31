"""What git knows of branches: the checked-out one, their commits, which of them are gone."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rehearsal.errors import RehearsalError

_REMOTE = "origin"
_LIMIT_S = 20.0
# Git notes when a fetch ended; what it brought is of its beginning. Clocks differ, too.
_LONGEST_FETCH = timedelta(hours=1)


@dataclass(frozen=True)
class Branches:
    """The branches that there were at a time."""

    names: frozenset[str]
    as_of: datetime
    """One that was first seen later may be missing."""

    def gone(self, branch: str, seen_at: datetime | None) -> bool:
        """Whether a branch that was there is there no more; one never seen is not gone."""
        return seen_at is not None and seen_at <= self.as_of and branch not in self.names


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
        fetched = (f"refs/remotes/{remote}/{branch}" for remote in self._remotes())
        for place in (f"refs/heads/{branch}", *fetched):
            if found := self._git("rev-parse", "--verify", "--quiet", f"{place}^{{commit}}"):
                return found
        return None

    def has(self, branch: str) -> bool:
        """Whether there is such a branch, where `branches` looks.

        A remote that does not answer, as in CI without a credential, had what was last fetched.
        """
        remotes = self._remotes()
        if len(remotes) > 1:
            return False
        return branch in (self._listed(remotes) or self._listed(remotes, fetched=True))

    def branches(self, *, fetched: bool = False) -> Branches:
        """Every branch that there is: the remote's where there is one, else this checkout's.

        Args:
            fetched: take those last fetched, and do not ask the remote.

        Raises:
            RehearsalError: git cannot tell; an empty answer would condemn every preview.

        """
        remotes = self._remotes()
        if len(remotes) > 1:
            raise RehearsalError(
                what=f"no remote is named {_REMOTE}",
                why=f"which of {', '.join(remotes)} has the previews' branches cannot be told",
                mend=f"name it so: git remote rename {remotes[0]} {_REMOTE}",
                where=self.folder,
            )
        as_of = self._fetched_at() - _LONGEST_FETCH if fetched else datetime.now(UTC)
        if names := self._listed(remotes, fetched=fetched):
            return Branches(names, as_of)
        raise RehearsalError(
            what="git tells of no branch at all",
            why="the remote does not answer, or this is no checkout",
            mend=f"run it where this answers: git ls-remote --heads {(*remotes, _REMOTE)[0]}",
            where=self.folder,
        )

    def _remotes(self) -> list[str]:
        """The one that counts, or several of which none does."""
        found = (self._git("remote") or "").splitlines()
        return [_REMOTE] if _REMOTE in found else found

    def _listed(self, remotes: list[str], *, fetched: bool = False) -> frozenset[str]:
        if remotes and not fetched:
            told = self._git("ls-remote", "--heads", remotes[0]) or ""
            refs = [line.split("\t", 1)[1] for line in told.splitlines()]
            return frozenset(ref.removeprefix("refs/heads/") for ref in refs)
        place = f"refs/remotes/{remotes[0]}/" if remotes else "refs/heads/"
        told = self._git("for-each-ref", "--format=%(refname)", place) or ""
        return frozenset(ref.removeprefix(place) for ref in told.splitlines())

    def _fetched_at(self) -> datetime:
        """When a fetch last ended; one that failed has left an empty note."""
        whole = self._git("rev-parse", "--is-shallow-repository") == "false"
        note = self.folder / (self._git("rev-parse", "--git-path", "FETCH_HEAD") or "FETCH_HEAD")
        if whole and note.is_file() and note.stat().st_size:
            return datetime.fromtimestamp(note.stat().st_mtime, UTC)
        raise RehearsalError(
            what="this checkout has not fetched every branch",
            why="its last fetch failed, or there was none" if whole else "it is shallow",
            mend="git fetch --prune; in a workflow, fetch-depth: 0 of actions/checkout",
            where=self.folder,
        )

    def _git(self, *arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.folder,
                # Without a terminal: git and ssh would wait there for a password, up to the limit.
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                check=False,
                timeout=_LIMIT_S,
            )
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return None
        return None if done.returncode else done.stdout.strip() or None
