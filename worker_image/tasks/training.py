"""Fits a small classifier to the sample set, epoch by epoch, and picks up where it was stopped."""

import logging
from typing import Annotated, Literal, TypedDict

from pydantic import Field

from worker_image import poison
from worker_image.storage import data_dir
from worker_image.tasks.declare import fleet_task
from worker_image.tasks.samples import TRAINING_SET

FOLDER = "training"
CHECKPOINT = "checkpoint.npz"

RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]

logger = logging.getLogger(__name__)


class Trained(TypedDict):
    """Where a run stands."""

    run_id: str
    accuracy: float
    """Share of held-out samples classified rightly."""
    epochs_resumed: int
    """Found in the checkpoint."""
    epochs_run: int
    """Run by this delivery of the task."""
    device: Literal["cpu", "gpu"]


@fleet_task()
def train(
    run_id: RunId,
    epochs: Annotated[int, Field(ge=1, le=10_000)],
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.05,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> Trained:
    """Train up to so many epochs in all, resuming the run's checkpoint."""
    from worker_image import fit  # noqa: PLC0415 - NumPy, where used only

    root = data_dir()
    if not (root / TRAINING_SET).is_file():
        raise FileNotFoundError(f"{TRAINING_SET} is missing: run samples.make_samples first")
    data = fit.Dataset.read(root / TRAINING_SET)
    mark = f"{data.mark}:{learning_rate}:{seed}"
    checkpoint = root / FOLDER / run_id / CHECKPOINT
    model = fit.restore(checkpoint, mark) or fit.Model.blank(data)
    resumed = model.epochs
    if resumed:
        logger.info("run %s resumes after %d epochs", run_id, resumed)
    device, multiply = fit.device()
    while model.epochs < epochs:
        model = fit.next_epoch(model, data, seed, learning_rate, multiply)
        fit.save(model, mark, checkpoint)
        poison.made_progress()
    return Trained(
        run_id=run_id,
        accuracy=round(fit.accuracy(model, data), 4),
        epochs_resumed=resumed,
        epochs_run=model.epochs - resumed,
        device=device,
    )
