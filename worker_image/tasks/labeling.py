"""Labels images of the data folder."""

import time
from typing import Any

from worker_image.storage import data_dir, inside
from worker_image.tasks.canary import Seconds
from worker_image.tasks.declare import fleet_task


@fleet_task()
def label_image(path: str, think_seconds: Seconds = 0.0) -> dict[str, Any]:
    """Label an image by brightness, hues, contrast and orientation.

    Args:
        path: of the image, within the data folder.
        think_seconds: a pause that stands for the time a model would take; no work is done in it.

    """
    from worker_image.vision import label  # noqa: PLC0415 - NumPy and Pillow, where used only

    image = inside(data_dir(), path)
    time.sleep(think_seconds)
    return {"path": path, **label(image)}
