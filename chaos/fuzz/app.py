"""The worker image's own app with one task more, whose ends a file tells."""

from chaos import deed
from worker_image.app import app

from chaos.fuzz import tasks  # noqa: F401 - it declares them  # isort: skip

__all__ = ["app"]

deed.tell_ready()
