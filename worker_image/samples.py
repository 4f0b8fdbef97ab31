"""Sample input, drawn the same on every machine: small images and a set of thumbnails to fit."""

import io
from colorsys import hsv_to_rgb

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HUES_DEGREES = {"red": 0, "orange": 30, "yellow": 58, "green": 120, "blue": 225, "pink": 320}
"""The classes of the training set, in this order; hues that `vision` names so."""

_SIZES_PX = ((96, 64), (64, 96), (64, 64))
_THUMBNAIL_PX = 6
_NOISE = 0.12
_SEED = 20_251_030


def image_png(index: int) -> bytes:
    """Draw the sample image of an index as PNG: a hue, fading from left to right, with noise."""
    names = list(HUES_DEGREES)
    width, height = _SIZES_PX[index % len(_SIZES_PX)]
    rng = np.random.default_rng([_SEED, index])
    drawn = _draw(names[index % len(names)], (width, height), rng, noise=0.03)
    content = io.BytesIO()
    Image.fromarray((drawn * 255).astype(np.uint8), "RGB").save(content, "PNG")
    return content.getvalue()


def training_set_npz(rows: int) -> bytes:
    """Draw noisy thumbnails, `features` by row and `classes` by hue, as a NumPy archive."""
    names = list(HUES_DEGREES)
    rng = np.random.default_rng(_SEED)
    classes = rng.integers(len(names), size=rows)
    size = (_THUMBNAIL_PX, _THUMBNAIL_PX)
    features = np.stack([_draw(names[c], size, rng, _NOISE).ravel() for c in classes])
    content = io.BytesIO()
    np.savez(content, features=features, classes=classes.astype(np.int64))
    return content.getvalue()


def _draw(
    hue: str, size_px: tuple[int, int], rng: np.random.Generator, noise: float
) -> NDArray[np.float64]:
    """Return rows x columns x RGB, from 0 to 1."""
    width, height = size_px
    colour = np.array(hsv_to_rgb(HUES_DEGREES[hue] / 360, 0.85, 0.9))
    fade = np.linspace(1.0, rng.uniform(0.4, 0.8), width)
    clean = np.broadcast_to(fade[None, :, None] * colour, (height, width, 3))
    drawn: NDArray[np.float64] = np.clip(clean + rng.normal(0, noise, clean.shape), 0, 1)
    return drawn
