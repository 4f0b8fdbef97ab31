"""Reads text files of any size, line by line, and takes lines apart."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

# A file without line ends would otherwise be read into memory whole.
LINE_MAX_BYTES = 16 * 1024 * 1024
_TOKEN = re.compile(r"\w+|[^\w\s]")


class NoTextError(ValueError):
    """A file that is not made of lines."""


def lines(file: Path) -> Iterator[bytes]:
    """Read a file's lines with their ends.

    Raises:
        NoTextError: a line is above 16 MiB.

    """
    with file.open("rb") as content:
        while line := content.readline(LINE_MAX_BYTES + 1):
            if len(line) > LINE_MAX_BYTES:
                raise NoTextError(f"{file.name}: a line above {LINE_MAX_BYTES} bytes: is it text?")
            yield line


def texts(file: Path) -> Iterator[str]:
    """Read a file's lines as UTF-8; bytes that are none are replaced."""
    return (line.decode(errors="replace") for line in lines(file))


def tokens(text: str) -> list[str]:
    """Words in lower case, and each sign that is neither word nor space."""
    return _TOKEN.findall(text.lower())


def is_text(line: bytes) -> bool:
    """Whether a line is UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_json(line: bytes) -> bool:
    """Whether a line is a JSON document."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
