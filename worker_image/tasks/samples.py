"""Makes the sample input that the other tasks work on."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import Field

from worker_image.storage import data_dir, write_atomically
from worker_image.tasks.declare import fleet_task

FOLDER = "samples"
TRAINING_SET = f"{FOLDER}/training.npz"
_TRAINING_ROWS = 1200


class Made(TypedDict):
    """What lies in the samples folder now."""

    images: list[str]
    """Paths within the data folder."""
    training_set: str
    written: int
    """Files that were not there before."""


@fleet_task()
def make_samples(count: Annotated[int, Field(ge=1, le=1000)] = 12) -> Made:
    """Draw so many images and a training set, the same ones every time; keep what is there."""
    from worker_image.samples import (  # noqa: PLC0415 - NumPy and Pillow, where used only
        image_png,
        training_set_npz,
    )

    root = data_dir()
    images = [f"{FOLDER}/image-{index:04d}.png" for index in range(count)]
    written = int(_write_missing(root / TRAINING_SET, partial(training_set_npz, _TRAINING_ROWS)))
    for index, image in enumerate(images):
        written += _write_missing(root / image, partial(image_png, index))
    return Made(images=images, training_set=TRAINING_SET, written=written)


def _write_missing(path: Path, draw: Callable[[], bytes]) -> bool:
    if path.exists():
        return False
    write_atomically(path, draw())
    return True
