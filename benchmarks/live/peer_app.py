"""The image's code with a peer's delivery, for the benchmark alone; never deployed.

The fleet's own app refuses to acknowledge early, as Celery does unless told otherwise. Here
acknowledgement, prefetch, deduplication, transport and visibility timeout are Celery's own, but for
what an arm's environment states; tasks, results, statistics, logs and heartbeat are the image's.
"""

import os

from celery import signals

from benchmarks.live.peer_variables import LATE_ACK, VISIBILITY_TIMEOUT
from worker_image import factory, heartbeat, logs, stats
from worker_image.gathering import Gathering
from worker_image.settings import current_or_exit
from worker_image.transport import FAIR_QUEUES

# Celery's defaults again (5.7.0, app/defaults.py).
_AS_CELERY_COMES = {
    "task_reject_on_worker_lost": None,
    "worker_disable_prefetch": False,
    "worker_deduplicate_successful_tasks": False,
}
# kombu's own again, transport included, where the image has others (5.7.0, transport/redis.py).
_OURS_ALONE = (
    "unacked_restore_interval",
    "unacked_restore_throttle",
    "unacked_mutex_expire",
    "queue_order_strategy",
    FAIR_QUEUES,
)

_settings = current_or_exit()
app = factory.build_app(_settings)
_transport = {
    option: value
    for option, value in app.conf.broker_transport_options.items()
    if option not in _OURS_ALONE
}
_transport["visibility_timeout"] = float(os.environ[VISIBILITY_TIMEOUT])
app.conf.update(
    **_AS_CELERY_COMES,
    task_acks_late=os.environ[LATE_ACK] == "1",
    broker_transport=None,
    broker_transport_options=_transport,
)
logs.connect(_settings)
heartbeat.connect(heartbeat.of_this_process())
signals.before_task_publish.connect(factory.fleet_router(_settings, app).settle, weak=False)
_gathering = Gathering(stats.StatsStore.of(_settings).record)
_gathering.connect()
stats.connect(stats.Recorder(_gathering.add))
