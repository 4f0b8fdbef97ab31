"""The Celery app: `celery -A worker_image.app worker` and `... beat`."""

from worker_image.factory import build_app, connect
from worker_image.settings import current_or_exit

_settings = current_or_exit()
app = build_app(_settings)
connect(_settings, app)
