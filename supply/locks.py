"""The lock files, read: each pin with the hashes of its published files, and who asked for it."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (
    "requirements.txt",
    "policy/requirements.txt",
    "worker_image/requirements.txt",
    "worker_image/requirements-gpu.txt",
    "rehearsal/toolchain/go-requirements.txt",
)
"""Every file that something is installed from."""

_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^ ;]+)(?: +; +(?P<marker>.+?))?"
    r"(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64})+)"
)
_ASKED_BY = re.compile(r"#(?: via)? +(\S.*)")


class SupplyError(Exception):
    """What is wrong with what the project is made of, in one sentence."""


@dataclass(frozen=True)
class Pin:
    """One package at one version."""

    name: str
    """Normal form: lower case, with hyphens."""
    version: str
    marker: str
    """Where it counts, as `python_full_version < '3.12'`; empty: everywhere."""
    hashes: tuple[str, ...]
    """SHA-256 of each file that may be installed."""
    asked_by: frozenset[str]
    """Names of the packages that need it."""
    direct: bool
    """Whether a person asked for it, too."""


def read(name: str, root: Path = ROOT) -> tuple[Pin, ...]:
    """Return the pins of a lock file, in its order.

    Raises:
        SupplyError: for a line that could install what no hash stands for.

    """
    lines = (root / name).read_text().replace("\\\n", " ").splitlines()
    pins: list[tuple[re.Match[str], list[str]]] = []
    for line in (line.strip() for line in lines):
        if line.startswith("#"):
            asked = _ASKED_BY.fullmatch(line)
            if pins and asked:
                pins[-1][1].append(asked[1])
        elif line:
            pins.append((_match(name, line), []))
    return tuple(_pin(match, asked) for match, asked in pins)


def _match(name: str, line: str) -> re.Match[str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise SupplyError(
            f"{name}: `{line[:80]}` is no `name==version` with a sha256 hash for each file, so pip "
            f"could install something else; renew it with `make lock`"
        )
    return match


def _pin(match: re.Match[str], asked: list[str]) -> Pin:
    packages = (each for each in asked if each != "via" and " " not in each)
    people = (each for each in asked if " " in each and not each.startswith("-c "))
    return Pin(
        canonicalize_name(match["name"]),
        match["version"],
        match["marker"] or "",
        tuple(re.findall("[0-9a-f]{64}", match["hashes"])),
        frozenset(canonicalize_name(each) for each in packages),
        any(people),
    )
