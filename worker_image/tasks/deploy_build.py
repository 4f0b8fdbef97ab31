"""Records which version of something is released, and the image that belongs to it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from worker_image.storage import alone, data_dir, write_json
from worker_image.tasks.build import ImageName, built
from worker_image.tasks.declare import Name, fleet_task

FOLDER = "releases"


class Release(TypedDict):
    """One version that was released."""

    name: str
    version: str
    context_mark: str | None
    """Of the image that was built under the name; None where none was."""
    released: str
    """When it was first recorded."""


class Deployed(TypedDict):
    """A version's record, and where it stands."""

    path: str
    """JSON within the data folder: every release, the newest one last."""
    release: Release
    releases: int


@fleet_task()
def deploy(name: ImageName, version: Name = "1") -> Deployed:
    """Record a release; one that is recorded already stays as it is."""
    path = f"{FOLDER}/{name}.json"
    file, image = data_dir() / path, built(data_dir(), name)
    with alone(file):
        releases = _read(file)
        known = next((r for r in releases if r["version"] == version), None)
        release = known or Release(
            name=name,
            version=version,
            context_mark=None if image is None else image["context_mark"],
            released=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        if known is None:
            releases.append(release)
            write_json(file, releases)
    return Deployed(path=path, release=release, releases=len(releases))


def _read(file: Path) -> list[Release]:
    if not file.exists():
        return []
    releases: list[Release] = json.loads(file.read_bytes())
    return releases
