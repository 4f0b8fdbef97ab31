"""The worker image's base, as its Dockerfile pins it."""

import re
from dataclasses import dataclass

from supply.locks import ROOT, SupplyError

DOCKERFILE = ROOT / "worker_image" / "Dockerfile"
_BASE = re.compile(r"^ARG BASE=([\w./-]+):([\w.-]+)@sha256:([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Base:
    """An image that another is built from."""

    name: str
    tag: str
    sha256: str


def base_of_image() -> Base:
    """Return the base of the worker image.

    Raises:
        SupplyError: where it is not pinned by digest.

    """
    match = _BASE.search(DOCKERFILE.read_text())
    if match is None:
        raise SupplyError(f"{DOCKERFILE}: `ARG BASE=` names no image with tag and sha256 digest")
    return Base(*match.groups())
