"""What the worker image of this checkout is made of, by flavour; its build is held to it."""

from pathlib import Path

from infra.models.image import BASE_PYTHON
from worker_image.sbom import locked

_LOCKS = Path(__file__).resolve().parents[1] / "worker_image"


def image_packages() -> dict[str, str]:
    """Pins of each flavour on one line, as the image's own code reads its locks."""
    cpu, gpu = ((_LOCKS / f"requirements{more}.txt").read_text() for more in ("", "-gpu"))
    return {"cpu": locked([cpu], BASE_PYTHON), "gpu": locked([cpu, gpu], BASE_PYTHON)}
