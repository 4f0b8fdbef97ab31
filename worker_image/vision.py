"""Labels of an image, computed from its pixels: no model, but no made-up answer either."""

from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image

# A larger image is shrunk first; labels are about the whole, not about details.
_SIDE_MAX_PX = 256
# Refused before it is decoded: 50 megapixels are 150 MB in memory.
_PIXELS_MAX = 50_000_000

_DARK, _BRIGHT = 0.3, 0.7
_FLAT, _STRONG = 0.08, 0.22
# Below it a pixel has no hue worth a name; of PIL's 0-255.
_SATURATION_MIN = 50
# A hue that covers less of the image is not dominant.
_HUE_SHARE_MIN = 0.15
_SQUARE_TOLERANCE = 0.02

# Upper bounds in degrees on the colour circle; the last one wraps round to red.
_HUES = (
    (15, "red"),
    (45, "orange"),
    (70, "yellow"),
    (165, "green"),
    (195, "cyan"),
    (255, "blue"),
    (290, "purple"),
    (345, "pink"),
    (360, "red"),
)


class UnreadableImageError(ValueError):
    """A file that is no image, or one too large to decode."""


class Labels(TypedDict):
    """What is said of an image; brightness and contrast run from 0 to 1."""

    width: int
    height: int
    brightness: float
    contrast: float
    labels: list[str]


def read(path: Path) -> tuple[Image.Image, tuple[int, int]]:
    """Read an image: its pixels as RGB, shrunk, and its own width and height.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: it is not an image, or above 50 megapixels.

    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > _PIXELS_MAX:
                raise UnreadableImageError(f"{path.name}: above {_PIXELS_MAX} pixels")
            size = image.size
            image.thumbnail((_SIDE_MAX_PX, _SIDE_MAX_PX))
            return image.convert("RGB"), size
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(f"{path.name} is no readable image: {error}") from None


def label(path: Path) -> Labels:
    """Read an image and label it; raises what `read` raises."""
    small, (width, height) = read(path)
    luminance = np.asarray(small.convert("L"), dtype=np.float64) / 255
    brightness, contrast = float(luminance.mean()), float(luminance.std())
    return Labels(
        width=width,
        height=height,
        brightness=round(brightness, 4),
        contrast=round(contrast, 4),
        labels=[
            _graded(brightness, (_DARK, _BRIGHT), ("dark", "medium", "bright")),
            *_dominant_hues(small),
            _graded(contrast, (_FLAT, _STRONG), ("flat", "soft", "contrasty")),
            _orientation(width, height),
        ],
    )


def _graded(value: float, bounds: tuple[float, float], names: tuple[str, str, str]) -> str:
    return names[sum(value >= bound for bound in bounds)]


def _dominant_hues(image: Image.Image) -> list[str]:
    """Name the hues that cover much of the image, the widest first; grey if none does."""
    hue, saturation, value = np.moveaxis(np.asarray(image.convert("HSV")), 2, 0)
    # PIL scales the circle's 360 degrees to a byte; black has no hue, whatever its saturation.
    degrees = hue[(saturation >= _SATURATION_MIN) & (value >= _SATURATION_MIN)] * (360 / 256)
    bins = np.digitize(degrees, [bound for bound, _ in _HUES])
    share: dict[str, float] = {}
    for index, (_, name) in enumerate(_HUES):
        share[name] = share.get(name, 0.0) + float((bins == index).sum()) / hue.size
    dominant = [name for name in share if share[name] >= _HUE_SHARE_MIN]
    return sorted(dominant, key=lambda name: -share[name]) or ["grey"]


def _orientation(width: int, height: int) -> str:
    if abs(width - height) <= _SQUARE_TOLERANCE * max(width, height):
        return "square"
    return "landscape" if width > height else "portrait"
