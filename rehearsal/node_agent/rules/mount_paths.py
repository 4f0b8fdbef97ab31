"""Rewrites container paths to the local folders that stand in for the mounts.

A local process has no mount namespace: what a pod names `/run/app/x` lies in the pod's folder.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mount:
    """A volume mount: its path in the container and the folder (or file) that holds it here."""

    container_path: str
    local: Path


class PathRewriter:
    """Rewrites paths at or below a mount, in one pass so that nothing is rewritten twice."""

    def __init__(self, mounts: Iterable[Mount]) -> None:
        self._local = {m.container_path.rstrip("/"): str(m.local) for m in mounts}
        self._local.pop("", None)
        longest_first = sorted(self._local, key=len, reverse=True)
        paths = "|".join(re.escape(path) for path in longest_first)
        # A path ends at `/` or at the end: /data is no part of /database.
        self._at_start = re.compile(rf"\A(?:{paths})(?=/|\Z)")
        self._in_argument = re.compile(rf"(?:\A|(?<==))(?:{paths})(?=/|\Z)")

    def value(self, text: str) -> str:
        """An env value or a working directory that is or starts with a mount path."""
        return self._rewrite(self._at_start, text)

    def argument(self, text: str) -> str:
        """An element of a command, which may also hold the path after `=`."""
        return self._rewrite(self._in_argument, text)

    def _rewrite(self, pattern: re.Pattern[str], text: str) -> str:
        if not self._local:
            return text
        return pattern.sub(lambda match: self._local[match[0]], text)
