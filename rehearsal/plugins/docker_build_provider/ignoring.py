"""Which files of a build's context the builder would be sent, by `.dockerignore`."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pattern:
    """One line: what it matches is left out, or with `!` taken in again."""

    expression: re.Pattern[str]
    takes_in: bool
    text: str


def patterns(text: str) -> list[Pattern]:
    """Read a `.dockerignore`, by the rules of Docker's documentation."""
    found = []
    for line in text.splitlines():
        stripped = line.strip()
        takes_in = stripped.startswith("!")
        named = stripped.removeprefix("!").strip().strip("/")
        if named and not stripped.startswith("#"):
            found.append(Pattern(re.compile(_expression(named)), takes_in, named))
    return found


def is_left_out(path: str, among: list[Pattern]) -> bool:
    """Whether the last pattern that matches the path, or a folder above it, leaves it out."""
    parts = path.split("/")
    names = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for pattern in reversed(among):
        if any(pattern.expression.fullmatch(name) for name in names):
            return not pattern.takes_in
    return False


def files(root: Path, among: list[Pattern]) -> Iterator[str]:
    """Paths below the root that are sent, in order."""
    taken_in = [pattern.text for pattern in among if pattern.takes_in]
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root).as_posix()
        prefix = "" if here == "." else f"{here}/"
        folders[:] = sorted(f for f in folders if _is_worth_a_look(f"{prefix}{f}", among, taken_in))
        for name in sorted(names):
            if not is_left_out(f"{prefix}{name}", among):
                yield f"{prefix}{name}"


def _is_worth_a_look(folder: str, among: list[Pattern], taken_in: list[str]) -> bool:
    """Whether a file below the folder can be sent: large folders that are left out are skipped."""
    if not is_left_out(folder, among):
        return True
    return any("*" in each or each.startswith(f"{folder}/") for each in taken_in)


def _expression(pattern: str) -> str:
    """A pattern as a regular expression: `**` for any folders, `*` and `?` within one name."""
    text = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]*\]|[^*?\[]+", pattern):
        special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        text += special.get(part) or (part if part.startswith("[") else re.escape(part))
    return text
