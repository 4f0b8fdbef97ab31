"""Feature vectors of images: numbers that like images have alike."""

from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import Field

from worker_image.storage import OutsideError, data_dir, inside, whole_file, write_json
from worker_image.tasks import samples
from worker_image.tasks.declare import fleet_task

FOLDER = "features"
_IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


class Extracted(TypedDict):
    """Where the vectors lie, and of what they are."""

    path: str
    """NumPy array, an image by row."""
    images_path: str
    """JSON: the images in the order of the rows."""
    images: int
    length: int
    """Numbers in each vector."""


@fleet_task()
def extract_features(
    path: Annotated[str, Field(min_length=1)] = samples.FOLDER,
    batch: Annotated[int, Field(ge=1, le=1024)] = 32,
) -> Extracted:
    """Extract the feature vectors of an image, or of all images in a folder, batch by batch.

    Args:
        path: of the image or the folder, within the data folder.
        batch: images held in memory at once.

    """
    from worker_image import arrays, features  # noqa: PLC0415 - NumPy and Pillow, where used only

    root = data_dir().resolve()
    source = inside(root, path)
    if source == root:
        raise OutsideError(f"path {path!r} is the data folder itself: name a folder in it")
    images = _images(source, path)
    target = f"{FOLDER}/{source.relative_to(root).as_posix()}"
    told = Extracted(
        path=f"{target}.npy",
        images_path=f"{target}.json",
        images=len(images),
        length=features.LENGTH,
    )
    names = [image.relative_to(root).as_posix() for image in images]
    write_json(root / told["images_path"], names)
    with whole_file(root / told["path"]) as array:
        arrays.write_header(array, "<f4", (len(images), features.LENGTH))
        for start in range(0, len(images), batch):
            array.write(features.vectors(images[start : start + batch]).tobytes())
    return told


def _images(source: Path, path: str) -> list[Path]:
    if source.is_file():
        return [source]
    found = sorted(f for f in source.glob("*") if f.suffix.lower() in _IMAGE_SUFFIXES)
    if not found:
        raise FileNotFoundError(f"no images in {path!r}: run samples.make_samples first")
    return found
