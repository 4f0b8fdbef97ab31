"""What a branch's preview is called: its stack, namespace, and the prefix of its keys."""

import hashlib
import re
import unicodedata
from base64 import b32encode

PREFIX = "preview-"
"""Begins the name of every preview; policies know a preview's stack by it."""
_SLUG_LONGEST = 14
_HASH_LENGTH = 8
_NO_WORD = "branch"
NAME_LONGEST = len(PREFIX) + _SLUG_LONGEST + 1 + _HASH_LENGTH
"""31: with `-producer` or `-exporter` it is an ElastiCache user's id, which may have 40."""
_NAME = re.compile(rf"{PREFIX}[a-z0-9]([a-z0-9-]{{0,12}}[a-z0-9])?-[a-z2-7]{{8}}")


def preview_name(branch: str) -> str:
    """Name of a branch's preview: `preview-<slug>-<hash>`, at most 31 characters.

    The slug is for people. The hash, 40 bits of the branch's own SHA-256, keeps apart what slugs
    alike: `Fix/A` and `fix-a`. It is stack, namespace and DNS label at once, so it begins with a
    letter and has no two hyphens in a row.
    """
    # A branch is bytes to git; what is no UTF-8 comes as surrogates.
    digest = hashlib.sha256(branch.encode("utf-8", "surrogateescape")).digest()
    short = b32encode(digest).decode().lower()[:_HASH_LENGTH]
    return f"{PREFIX}{_slug(branch)}-{short}"


def key_prefix(name: str) -> str:
    """What stands before every key of a preview on the broker."""
    return f"{name}:"


def is_preview(stack: str) -> bool:
    """Whether a stack's name is one that `preview_name` makes."""
    return _NAME.fullmatch(stack) is not None and "--" not in stack


def _slug(branch: str) -> str:
    plain = unicodedata.normalize("NFKD", branch).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:_SLUG_LONGEST].strip("-") or _NO_WORD
