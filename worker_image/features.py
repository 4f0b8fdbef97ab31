"""Feature vectors of images from their pixels: a tiny copy, and how its colours are spread."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker_image.vision import read

_SIDE_PX = 16
_BINS = 8
_CHANNELS = 3
LENGTH = _CHANNELS * (_SIDE_PX**2 + _BINS)

Vectors = NDArray[np.float32]


def vectors(images: Iterable[Path]) -> Vectors:
    """Return a vector of numbers from 0 to 1 by row; raises what `vision.read` raises."""
    copies = [np.asarray(read(path)[0].resize((_SIDE_PX, _SIDE_PX))) for path in images]
    pixels = np.stack(copies).reshape(len(copies), -1, _CHANNELS)
    bins = (pixels // (256 // _BINS))[..., None] == np.arange(_BINS)
    spread = bins.mean(axis=1).reshape(len(copies), -1)
    flat = pixels.reshape(len(copies), -1) / 255
    return np.concatenate([flat, spread], axis=1).astype("<f4")
