"""The Celery configuration; each setting that guards a task says against what.

Tried on Celery 5.7.0 with kombu 5.7.0: what is called lossy here lost tasks in trials.
"""

from worker_image.broker import tls_options
from worker_image.confirm import CONFIRM_REPLICAS
from worker_image.room import ROOM, rooms
from worker_image.routing import Router
from worker_image.schedule import beat_schedule
from worker_image.settings import Settings
from worker_image.transport import DELIVERY, FAIR_QUEUES, TRANSPORT

TASK_MODULES = tuple(
    f"worker_image.tasks.{name}"
    for name in (
        "build",
        "canary",
        "datasets",
        "deploy_build",
        "extraction",
        "labeling",
        "maintenance",
        "processing",
        "quick",
        "samples",
        "scraping",
        "training",
    )
)

# Must exceed kombu's BRPOP of 1 s; without it a publish hangs on a half-open socket.
_SOCKET_TIMEOUT_S = 30
_CONNECT_TIMEOUT_S = 5
_HEALTH_CHECK_S = 10

# Waits of 52 s in all: longer than a managed broker's failover usually takes. How it is kept, and
# bounded, is in worker_image/patience.py.
_PUBLISH_RETRY = {
    "max_retries": 16,
    "interval_start": 0,
    "interval_step": 0.5,
    "interval_max": 5,
}


def celery_conf(settings: Settings, router: Router) -> dict[str, object]:
    """Return the whole configuration; `celery.Celery` takes it as it is."""
    return {
        **_tasks(settings, router),
        **_worker(settings),
        **_broker(settings),
        **_results(settings),
        **_beat(settings),
    }


def in_flight_key(settings: Settings) -> str:
    """Return the hash that holds this process's unacknowledged messages, without key prefix."""
    return settings.worker.in_flight_key if settings.worker else "unacked"


def _tasks(settings: Settings, router: Router) -> dict[str, object]:
    limits = {
        task: {"rate_limit": rate}
        for queue in settings.fleet.queues.values()
        for task, rate in queue.rate_limits.items()
    }
    return {
        "include": TASK_MODULES,
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "event_serializer": "json",
        "timezone": "UTC",
        "enable_utc": True,
        "task_queues": router.queues(),
        "task_routes": (router,),
        "task_default_queue": settings.environment.maintenance_queue,
        # A misspelt queue would otherwise become a list that nobody reads.
        "task_create_missing_queues": False,
        "task_annotations": limits,
        # Early acks hide running tasks from the scaler, and lose them with their worker.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # Without it a task that kills its process comes back for ever.
        "task_retry_on_worker_lost": True,
        # Lossy with a full result store: the body never ran, the message was acknowledged.
        "task_track_started": False,
        "task_publish_retry": True,
        "task_publish_retry_policy": _PUBLISH_RETRY,
    }


def _worker(settings: Settings) -> dict[str, object]:
    prefetch = settings.worker.prefetch_multiplier if settings.worker else 1
    return {
        "worker_consumer": "worker_image.consumer:Consumer",
        "worker_prefetch_multiplier": prefetch,
        # With late acks multiplier 1 still took a second message after a reconnect.
        "worker_disable_prefetch": prefetch == 1,
        # Lossy with results in the broker's Redis: cancelled tasks were announced as revoked.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # A message delivered again after its task has succeeded is acknowledged, not run.
        "worker_deduplicate_successful_tasks": True,
        # Four seconds, the default, are short for a pool process on a busy node.
        "worker_proc_alive_timeout": 30,
    }


def _broker(settings: Settings) -> dict[str, object]:
    url = settings.environment.broker_url.get_secret_value()
    return {
        # Not `broker_url`: Celery prefers the environment's CELERY_BROKER_URL to it, and with it
        # the query that replaces the TLS options.
        "broker_read_url": url,
        "broker_write_url": url,
        "broker_transport": TRANSPORT,
        "broker_use_ssl": tls_options(settings),
        "broker_transport_options": transport_options(settings),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # "Instance state changed" at a failover is a channel error, and ended workers.
        "broker_channel_error_retry": True,
    }


def transport_options(settings: Settings) -> dict[str, object]:
    """Return kombu's Redis options; publishers and workers must agree on all but the keys."""
    key = in_flight_key(settings)
    return {
        "visibility_timeout": settings.fleet.visibility_timeout_seconds,
        "global_keyprefix": settings.fleet.key_prefix,
        "sep": settings.fleet.separator,
        "priority_steps": list(settings.fleet.priority_steps),
        FAIR_QUEUES: dict(settings.fleet.fair),
        DELIVERY: settings.fleet.delivery,
        CONFIRM_REPLICAS: settings.fleet.confirm_replicas,
        ROOM: rooms(settings.fleet),
        "queue_order_strategy": _order(settings),
        "unacked_key": key,
        "unacked_index_key": f"{key}_index",
        "unacked_mutex_key": f"{key}_mutex",
        # A restorer that dies with the mutex blocks the others for so long.
        "unacked_mutex_expire": 30,
        # Look for messages past their visibility timeout every 10 s, not every 100 s.
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_timeout": _SOCKET_TIMEOUT_S,
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": _HEALTH_CHECK_S,
    }


def _order(settings: Settings) -> str:
    queues = settings.worker.queues if settings.worker else ()
    if settings.fleet.fair.keys().isdisjoint(queues):
        # Serve the queues of a shared worker in their order: maintenance before a burst.
        return "priority"
    return "worker_image.transport.turns:Turns"


def _results(settings: Settings) -> dict[str, object]:
    return {
        # The API answers from them, and deduplication asks them.
        "task_ignore_result": False,
        "result_expires": settings.environment.result_expires_s,
        # Lossy without: a store that was down failed tasks that had run.
        "result_backend_always_retry": True,
        "result_backend_thread_safe": True,
        "result_backend_transport_options": {
            "global_keyprefix": settings.fleet.key_prefix,
            "visibility_timeout": settings.fleet.visibility_timeout_seconds,
        },
        "redis_backend_use_ssl": tls_options(settings),
        "redis_socket_timeout": _SOCKET_TIMEOUT_S,
        "redis_socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "redis_socket_keepalive": True,
        "redis_retry_on_timeout": True,
        "redis_backend_health_check_interval": _HEALTH_CHECK_S,
    }


def _beat(settings: Settings) -> dict[str, object]:
    return {
        "beat_schedule": beat_schedule(settings.environment),
        "beat_scheduler": "worker_image.beat:Scheduler",
        # RedBeat's defaults (300 s, 1500 s) leave half an hour without ticks after a crash.
        "beat_max_loop_interval": 5,
        "redbeat_lock_timeout": 30,
        "redbeat_key_prefix": f"{settings.fleet.key_prefix}redbeat:",
        "redbeat_redis_url": settings.environment.broker_url.get_secret_value(),
        "redbeat_redis_use_ssl": tls_options(settings),
        "redbeat_redis_options": {
            "socket_timeout": _SOCKET_TIMEOUT_S,
            "socket_connect_timeout": _CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
        },
    }
