"""The Celery app: `celery -A worker_image.app worker` and `... beat`."""

import os

from worker_image import pod_deadline, pod_deletion_cost
from worker_image.factory import build_app, connect
from worker_image.settings import current_or_exit

_settings = current_or_exit()
_environment = _settings.environment
app = build_app(_settings)
connect(_settings, app)
pod_deadline.connect(_environment.grace_s)
pod_deletion_cost.connect(
    pod_deletion_cost.own_pod(_environment.pod_name, _environment.service_account_dir, os.environ)
)
