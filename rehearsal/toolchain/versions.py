"""Reads a version out of what a program prints, and compares it with the least that will do."""

import re
from typing import NamedTuple


class Version(NamedTuple):
    """A released version; orders as its numbers do."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


# The first dotted number after a word's start: `etcd Version: 3.6.16`, `Kubernetes v1.36.3`,
# `go version go1.26.8 linux/amd64`, `v3.255.0-dev`. A lone number such as a year is none.
_VERSION = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?:\.(\d+))?")


def parse_version(printed: str) -> Version | None:
    """Return the first version in a program's output; None where it prints none."""
    match = _VERSION.search(printed)
    if match is None:
        return None
    major, minor, patch = match.groups(default="0")
    return Version(int(major), int(minor), int(patch))
