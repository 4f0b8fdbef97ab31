"""Turns text datasets into what models are fitted to."""

import struct
import unicodedata
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TypedDict

from worker_image.storage import data_dir, whole_file, write_json
from worker_image.tasks.datasets import dataset_file
from worker_image.tasks.declare import Name, fleet_task
from worker_image.text import texts, tokens

TOKENS_FOLDER = "tokens"
CLEAN_FOLDER = "clean"
_MOST_COMMON = 10
# Of a line, to know it again: two of a billion lines share one with a chance below 1e-20.
_MARK_BYTES = 16


class Tokenized(TypedDict):
    """A dataset as numbers."""

    tokens_path: str
    """NumPy array of each token's number; the most frequent one is 0."""
    vocabulary_path: str
    """JSON: how often each token occurs."""
    tokens: int
    distinct: int
    most_common: dict[str, int]


class Transformed(TypedDict):
    """A dataset made clean."""

    path: str
    lines: int
    """In the clean file."""
    blank: int
    """Left out, as the repeated ones."""
    repeated: int


@fleet_task()
def tokenize(name: Name) -> Tokenized:
    """Split a dataset into words and signs, count them, number them by frequency."""
    file = dataset_file(name)
    counts: Counter[str] = Counter()
    for text in texts(file):
        counts.update(tokens(text))
    ordered = sorted(counts, key=lambda token: (-counts[token], token))
    folder = f"{TOKENS_FOLDER}/{name}"
    told = Tokenized(
        tokens_path=f"{folder}/tokens.npy",
        vocabulary_path=f"{folder}/vocabulary.json",
        tokens=counts.total(),
        distinct=len(counts),
        most_common={token: counts[token] for token in ordered[:_MOST_COMMON]},
    )
    write_json(data_dir() / told["vocabulary_path"], counts)
    numbers = {token: number for number, token in enumerate(ordered)}
    _write_numbers(data_dir() / told["tokens_path"], file, numbers, counts.total())
    return told


@fleet_task()
def transform(name: Name) -> Transformed:
    """Write a dataset anew: Unicode composed, spaces single, blank and repeated lines left out."""
    path = f"{CLEAN_FOLDER}/{name}"
    counts: Counter[str] = Counter()
    source = dataset_file(name)
    with whole_file(data_dir() / path) as clean:
        for line in _clean_lines(source, counts):
            clean.write(line)
    return Transformed(
        path=path, lines=counts["kept"], blank=counts["blank"], repeated=counts["repeated"]
    )


def _clean_lines(file: Path, counts: Counter[str]) -> Iterator[bytes]:
    seen: set[bytes] = set()
    for text in texts(file):
        line = " ".join(unicodedata.normalize("NFC", text).split()).encode()
        mark = blake2b(line, digest_size=_MARK_BYTES).digest()
        fate = "blank" if not line else "repeated" if mark in seen else "kept"
        counts[fate] += 1
        if fate == "kept":
            seen.add(mark)
            yield line + b"\n"


def _write_numbers(path: Path, source: Path, numbers: dict[str, int], total: int) -> None:
    """Write the array line by line: a large dataset has more tokens than memory holds."""
    from worker_image import arrays  # noqa: PLC0415 - NumPy, where used only

    with whole_file(path) as file:
        arrays.write_header(file, "<u4", (total,))
        for text in texts(source):
            found = [numbers[token] for token in tokens(text)]
            file.write(struct.pack(f"<{len(found)}I", *found))
