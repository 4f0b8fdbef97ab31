"""Builds container images out of folders of the data folder."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypedDict

from pydantic import Field

from worker_image import buildah
from worker_image.storage import alone, data_dir, inside, write_json
from worker_image.tasks.declare import fleet_task

FOLDER = "images"

ImageName = Annotated[str, Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=100)]


class Built(TypedDict):
    """An image that lies in the data folder."""

    name: str
    path: str
    """Archive in OCI form, which every registry tool can push."""
    bytes: int
    context_mark: str
    """Hash of the folder that it was built of."""
    built: bool
    """False where it was there already, of the same folder."""


@fleet_task()
def build_image(name: ImageName, context: Annotated[str, Field(min_length=1)]) -> Built:
    """Build the image of a folder with a Containerfile or Dockerfile; once while it is the same.

    Args:
        name: the image's, without registry or tag.
        context: the folder, within the data folder.

    """
    root = data_dir()
    folder = inside(root, context)
    buildah.program()
    buildah.build_file(folder)
    archive, mark = root / FOLDER / f"{name}.tar", buildah.mark(folder)
    with alone(archive):
        known = built(root, name)
        if known is not None and known["context_mark"] == mark:
            return {**known, "built": False}
        # In the same file system, so that it takes its place at once.
        with TemporaryDirectory(dir=archive.parent, prefix=".partial-") as partial:
            fresh = Path(partial) / archive.name
            buildah.build(name, folder, fresh)
            told = Built(
                name=name,
                path=f"{FOLDER}/{archive.name}",
                bytes=fresh.stat().st_size,
                context_mark=mark,
                built=True,
            )
            _record(root, name).unlink(missing_ok=True)
            fresh.replace(archive)
        write_json(_record(root, name), told)
    return told


def built(root: Path, name: str) -> Built | None:
    """What is recorded of an image; None before its first build."""
    record = _record(root, name)
    if not record.exists():
        return None
    told: Built = json.loads(record.read_bytes())
    return told


def _record(root: Path, name: str) -> Path:
    return root / FOLDER / f"{name}.json"
