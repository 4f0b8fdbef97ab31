"""The worker image's own app, with all that it does, and the benchmark's probe beside it."""

from benchmarks.image import probe
from worker_image.app import app

__all__ = ["app"]

probe.connect()
