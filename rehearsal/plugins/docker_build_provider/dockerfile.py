"""Reads a Dockerfile as far as a build's arguments can be held against it."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.plugins.stand_in.rules import words

# https://docs.docker.com/reference/dockerfile/, 2026-11.
INSTRUCTIONS = words(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL "
    "STOPSIGNAL USER VOLUME WORKDIR"
)
# Known to every Dockerfile, declared or not.
PREDEFINED = words(
    "HTTP_PROXY HTTPS_PROXY FTP_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy ftp_proxy no_proxy "
    "all_proxy SOURCE_DATE_EPOCH BUILDKIT_INLINE_CACHE"
)
HERE_DOCUMENT = re.compile(r"<<-?[\"']?(\w+)[\"']?")


class DockerfileError(Exception):
    """A Dockerfile that no builder would take."""


@dataclass
class Dockerfile:
    """What is in it."""

    stages: list[str] = field(default_factory=list)
    """Names of its stages, in small letters; empty for one without a name."""
    arguments: set[str] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    """What it copies from the context, as far as the name is plain."""


def parsed(text: str) -> Dockerfile:
    """Read it; DockerfileError names the line that is wrong."""
    found = Dockerfile()
    for number, line in _logical_lines(text):
        instruction, _, rest = line.partition(" ")
        name = instruction.upper()
        if name not in INSTRUCTIONS:
            raise DockerfileError(f"line {number}: unknown instruction {instruction}")
        if name not in {"FROM", "ARG"} and not found.stages:
            raise DockerfileError(f"line {number}: {name} before the first FROM")
        if name == "FROM":
            found.stages.append(_stage_name(rest))
        elif name == "ARG":
            found.arguments |= {word.split("=")[0] for word in rest.split()}
        elif name in {"COPY", "ADD"}:
            found.sources += _sources(rest)
    if not found.stages:
        raise DockerfileError("it has no FROM")
    return found


def missing_sources(dockerfile: Dockerfile, sent: set[str], root: Path) -> list[str]:
    """Plain sources that the builder would not find among what it was sent."""
    return [
        source
        for source in dockerfile.sources
        if source not in sent and not any(path.startswith(f"{source}/") for path in sent)
        if source != "." or not root.is_dir()
    ]


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines without comments, continued ones joined, here-documents left out."""
    found: list[tuple[int, str]] = []
    pending, begun, until = "", 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if until:
            until = "" if stripped == until else until
            continue
        if not stripped or stripped.startswith("#"):
            continue
        begun = begun or number
        pending += stripped.removesuffix("\\").strip() + " "
        if stripped.endswith("\\"):
            continue
        found.append((begun, pending.strip()))
        here = HERE_DOCUMENT.search(pending)
        pending, begun, until = "", 0, here[1] if here else ""
    return found


def _stage_name(rest: str) -> str:
    parts = rest.split()
    return parts[-1].lower() if len(parts) > 2 and parts[-2].upper() == "AS" else ""  # noqa: PLR2004 - image, AS, name


def _sources(rest: str) -> list[str]:
    if rest.startswith("[") or "<<" in rest:
        return []
    parts = shlex.split(rest)
    if any(part.startswith("--from") for part in parts):
        return []
    named = [word for word in parts if not word.startswith("--")][:-1]
    plain = (word.removeprefix("./").strip("/") or "." for word in named)
    return [word for word in plain if not re.search(r"[*?$\[]|://", word)]
