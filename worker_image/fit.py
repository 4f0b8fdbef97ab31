"""Softmax regression by momentum descent, one checkpoint an epoch, on CPU or GPU.

An epoch's order of batches depends on the seed and the epoch alone, so a run that resumes ends with
the same weights as one that was never stopped.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from worker_image.storage import write_atomically

Array = NDArray[np.float64]
Multiply = Callable[[Array, Array], Array]

_BATCH = 64
_MOMENTUM = 0.9
_HELD_OUT_EVERY = 5


# Unpacked, in memory; a batch adds next to nothing to it.
SIZE_MAX_BYTES = 1024**3


class DatasetTooLargeError(ValueError):
    """A training set that does not fit the memory of a worker."""


class CheckpointError(ValueError):
    """A checkpoint of another run, or a broken one."""


@dataclass(frozen=True)
class Dataset:
    """Samples by row, their classes counted from 0; every fifth row is held out."""

    features: Array
    classes: NDArray[np.int64]

    @classmethod
    def read(cls, path: Path) -> "Dataset":
        """Read a training set.

        Raises:
            DatasetTooLargeError: it would unpack to more memory than a worker is given for it.

        """
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > SIZE_MAX_BYTES:
            raise DatasetTooLargeError(
                f"{path.name} unpacks to {size} bytes, above {SIZE_MAX_BYTES}"
            )
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["features"], stored["classes"])

    @property
    def held_out(self) -> NDArray[np.bool_]:
        held_out: NDArray[np.bool_] = np.arange(len(self.classes)) % _HELD_OUT_EVERY == 0
        return held_out

    @property
    def mark(self) -> str:
        """A hash of the data, by which a checkpoint knows its own."""
        mark = sha256(np.ascontiguousarray(self.features).data)
        mark.update(np.ascontiguousarray(self.classes).data)
        return mark.hexdigest()


@dataclass(frozen=True)
class Model:
    """Weights after so many epochs, with the descent's momentum."""

    weights: Array
    velocity: Array
    epochs: int

    @classmethod
    def blank(cls, data: Dataset) -> "Model":
        shape = (data.features.shape[1] + 1, int(data.classes.max()) + 1)
        return cls(np.zeros(shape), np.zeros(shape), 0)


def next_epoch(
    model: Model, data: Dataset, seed: int, learning_rate: float, multiply: Multiply
) -> Model:
    """Go once through the training rows."""
    rows = np.flatnonzero(~data.held_out)
    np.random.default_rng([seed, model.epochs]).shuffle(rows)
    one_hot = np.eye(model.weights.shape[1])
    weights, velocity = model.weights, model.velocity
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        # Batch by batch: copies of the whole would double what the set itself takes.
        inputs, wanted = _with_bias(data.features[batch]), one_hot[data.classes[batch]]
        missed = _softmax(multiply(inputs, weights)) - wanted
        gradient = multiply(inputs.T, missed) / len(batch)
        velocity = _MOMENTUM * velocity - learning_rate * gradient
        weights = weights + velocity
    return Model(weights, velocity, model.epochs + 1)


def accuracy(model: Model, data: Dataset) -> float:
    """Return the share of held-out rows whose class the model names."""
    inputs, classes = _with_bias(data.features[data.held_out]), data.classes[data.held_out]
    return float(((inputs @ model.weights).argmax(axis=1) == classes).mean())


def save(model: Model, mark: str, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    content = io.BytesIO()
    np.savez(
        content,
        weights=model.weights,
        velocity=model.velocity,
        epochs=np.int64(model.epochs),
        mark=np.str_(mark),
    )
    write_atomically(path, content.getvalue())


def restore(path: Path, mark: str) -> Model | None:
    """Read a checkpoint; None if there is none.

    Raises:
        CheckpointError: it was made with other parameters or data, or is damaged.

    """
    try:
        # NumPy leaves a file open that it could not read, if it opened it.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if str(stored["mark"]) != mark:
                raise CheckpointError(
                    f"{path.parent.name} was begun with other parameters or data: use a new run id"
                )
            return Model(stored["weights"], stored["velocity"], int(stored["epochs"]))
    except FileNotFoundError:
        return None
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def device() -> tuple[Literal["cpu", "gpu"], Multiply]:
    """Return where matrices are multiplied, and how: on a GPU only if torch sees one."""
    if find_spec("torch") is None:
        return "cpu", np.matmul
    import torch  # type: ignore[import-not-found]  # noqa: PLC0415 - optional, and slow to import

    if not torch.cuda.is_available():
        return "cpu", np.matmul

    def on_gpu(left: Array, right: Array) -> Array:
        product = torch.from_numpy(left).cuda() @ torch.from_numpy(right).cuda()
        return np.asarray(product.cpu().numpy(), dtype=np.float64)

    return "gpu", on_gpu


def _with_bias(features: Array) -> Array:
    return np.hstack([features, np.ones((len(features), 1))])


def _softmax(scores: Array) -> Array:
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Array = exponents / exponents.sum(axis=1, keepdims=True)
    return shares
