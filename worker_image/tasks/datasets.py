"""Brings datasets into the data folder, and takes stock of them."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import Field

from worker_image.storage import alone, data_dir, write_json
from worker_image.tasks.declare import WEB_RETRIES, Name, Url, fleet_task
from worker_image.text import is_json, is_text, lines

FOLDER = "datasets"
INDEX_FOLDER = "indexes"
_INDEX_EVERY_LINES = 1000

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DatasetError(ValueError):
    """A dataset that is not what was asked for."""


class Downloaded(TypedDict):
    """A dataset that is here, whole."""

    path: str
    """Within the data folder."""
    url: str
    bytes: int
    sha256: str
    resumed_bytes: int
    """Found from an attempt before this one; all of them where it was here already."""


class Ingested(TypedDict):
    """What a dataset holds."""

    path: str
    index: str
    """JSON file with the position of every thousandth line."""
    bytes: int
    lines: int
    records: int
    """Lines that are text; in a `.jsonl`, that are JSON."""
    unreadable: int
    """Lines that are neither records nor blank."""


@fleet_task(**WEB_RETRIES)
def download(url: Url, name: Name, sha256: Sha256 | None = None) -> Downloaded:
    """Download a dataset once; a name belongs to its address for good.

    Args:
        url: an HTTP or HTTPS address.
        name: the file's, in the datasets folder.
        sha256: what the file must hash to; a file that does not is thrown away.

    """
    from worker_image import download as web  # noqa: PLC0415 - httpx, where used only

    path = f"{FOLDER}/{name}"
    target = data_dir() / path
    with alone(target):
        if target.exists():
            return _here(target, url, sha256)
        part = web.Part.of(target)
        resumed = web.download(url, part)
        found, size = web.sha256_of(part.file), part.size_bytes
        if sha256 not in {None, found}:
            part.drop()
            raise DatasetError(f"{url!r} hashes to {found}, not to {sha256}: thrown away")
        told = Downloaded(path=path, url=url, bytes=size, sha256=found, resumed_bytes=resumed)
        # Before the file itself: one that is here has its origin told.
        write_json(_origin(target), told | {"resumed_bytes": size})
        part.file.replace(target)
        part.drop()
    return told


@fleet_task()
def ingest(name: Name) -> Ingested:
    """Count a dataset's lines and records, and index it; the same file gives the same index."""
    file = dataset_file(name)
    index = f"{INDEX_FOLDER}/{name}.json"
    counts, offsets = _counted(file)
    told = Ingested(
        path=f"{FOLDER}/{name}",
        index=index,
        bytes=file.stat().st_size,
        lines=counts["lines"],
        records=counts["records"],
        unreadable=counts["unreadable"],
    )
    stride = {"every_lines": _INDEX_EVERY_LINES, "offsets_bytes": offsets}
    write_json(data_dir() / index, told | stride)
    return told


def dataset_file(name: str) -> Path:
    """Path of a dataset.

    Raises:
        FileNotFoundError: it was not downloaded.

    """
    file = data_dir() / FOLDER / name
    if not file.is_file():
        raise FileNotFoundError(f"{FOLDER}/{name} is missing: run datasets.download first")
    return file


def _here(target: Path, url: str, sha256: str | None) -> Downloaded:
    origin = _origin(target)
    if not origin.exists():
        raise DatasetError(f"{target.name} is here already and was not downloaded: choose a name")
    told: Downloaded = json.loads(origin.read_bytes())
    if told["url"] != url:
        raise DatasetError(f"{target.name} is here already, from {told['url']!r}: choose a name")
    if sha256 not in {None, told["sha256"]}:
        raise DatasetError(f"{target.name} hashes to {told['sha256']}, not to {sha256}")
    return told


def _origin(target: Path) -> Path:
    return target.with_name(f".{target.name}.origin")


def _counted(file: Path) -> tuple[Counter[str], list[int]]:
    counts: Counter[str] = Counter()
    offsets: list[int] = []
    is_record = is_json if file.suffix == ".jsonl" else is_text
    offset = 0
    for line in lines(file):
        if counts["lines"] % _INDEX_EVERY_LINES == 0:
            offsets.append(offset)
        offset += len(line)
        counts["lines"] += 1
        if line.strip():
            counts["records" if is_record(line) else "unreadable"] += 1
    return counts, offsets
