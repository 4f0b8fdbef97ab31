"""Builds the Celery app from settings, and connects the fleet's rules to it."""

from celery import Celery, signals

from worker_image import (
    announce,
    boot,
    drain,
    hand_out,
    heartbeat,
    leases,
    logs,
    metrics_feed,
    poison,
    stats,
    tenant_consumers,
    tracing,
)
from worker_image.amqp import App
from worker_image.conf import celery_conf
from worker_image.gathering import Gathering
from worker_image.routing import Router
from worker_image.settings import Settings


def build_app(settings: Settings) -> Celery:
    """Return a configured app; it connects to nothing yet."""
    app = App("worker_image", amqp="worker_image.amqp:Amqp")
    router = fleet_router(settings, app)
    app.config_from_object(celery_conf(settings, router))
    # Celery prefers the environment's CELERY_RESULT_BACKEND to a configured one, but not to this.
    url = settings.environment.result_backend.get_secret_value()
    app.backend_cls = f"worker_image.results:ResultBackend+{url}"
    return app


def fleet_router(settings: Settings, app: Celery) -> Router:
    """Return the router over the declared queues and the app's tasks."""
    return Router(settings.fleet.queues, settings.environment.maintenance_queue, lambda: app.tasks)


def connect(settings: Settings, app: Celery) -> None:
    """Connect the fleet's rules to Celery's signals; once in a process."""
    router = fleet_router(settings, app)
    logs.connect(settings)
    boot.connect(settings, app, router)
    drain.connect(app)
    hand_out.connect(app)
    leases.connect(settings, app)
    heartbeat.connect(heartbeat.of_this_process())
    signals.before_task_publish.connect(router.settle, weak=False)
    tenant_consumers.connect(settings, app)
    announce.connect(settings, app)
    tracing.connect(settings)
    feed, guard = metrics_feed.connect(settings), poison.of_this_process()
    guard.on_park = feed.parked
    poison.connect(guard)
    gathering = Gathering(stats.StatsStore.of(settings).record, feed.ended)
    gathering.connect()
    stats.connect(stats.Recorder(gathering.add, fair=settings.fleet.fair))
