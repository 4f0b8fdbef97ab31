"""The HTTP API, assembled: `uvicorn worker_image.api:app`."""

import sys
from collections.abc import Sequence

import redis
from fastapi import FastAPI

from worker_image import boot, broker, logs, tracing
from worker_image.api_monitor import Monitor
from worker_image.api_routes import Ports, create_api
from worker_image.app import app as celery_app
from worker_image.campaigns import Campaigns
from worker_image.factory import fleet_router
from worker_image.once import KEPT_S, SENT_KEPT_S
from worker_image.outbox import Outbox, StoredResults
from worker_image.outbox_file import open_or_exit
from worker_image.probes import Probes
from worker_image.publish import Publisher
from worker_image.queues import QueueReader
from worker_image.replay import LetterDesk
from worker_image.results import Results
from worker_image.settings import Settings, current_or_exit
from worker_image.stats import StatsStore

_TIMEOUT_S = 2.0


def _assembled(settings: Settings) -> FastAPI:
    token = settings.environment.api_token
    if token is None:
        sys.exit("worker_image cannot start:\nFLEET_API_TOKEN is not set: anyone could send tasks")
    logs.configure("INFO", settings.environment.pod_name, settings.fleet.fair)
    client = broker.client(settings, settings.environment.broker_url, _TIMEOUT_S)
    results = broker.client(settings, settings.environment.result_backend, _TIMEOUT_S)
    fleet = settings.fleet
    queues = QueueReader(client, fleet, StatsStore(client, fleet.key_prefix))
    outcomes = Results(results, celery_app.backend)
    mark_kept_s = KEPT_S if settings.environment.outbox_dir else SENT_KEPT_S
    publisher = Publisher(celery_app, fleet, fleet_router(settings, celery_app), mark_kept_s)
    boot.check_publisher(settings, celery_app)
    outbox = _outbox(settings, publisher, client, outcomes)
    ports = Ports(
        outbox or publisher,
        StoredResults(outbox, outcomes) if outbox else outcomes,
        queues,
        Monitor(client, fleet, queues),
        LetterDesk(celery_app, client, fleet, publisher, outcomes),
        Campaigns(client, fleet),
        Probes(client, fleet, outcomes),
        outbox,
    )
    api = create_api(ports, token.get_secret_value())
    api.add_middleware(tracing.Incoming)
    return api


def _outbox(
    settings: Settings, publisher: Publisher, client: "redis.Redis", outcomes: Results
) -> Outbox | None:
    """Return the running outbox, where there is to be one."""
    folder = settings.environment.outbox_dir
    if folder is None:
        return None

    def forget(marks: Sequence[str]) -> None:
        with broker.answering():
            client.unlink(*(f"{settings.fleet.key_prefix}{mark}" for mark in marks))

    file = open_or_exit(folder, settings.environment.pod_name or "api")
    outbox = Outbox(publisher, file, forget, outcomes.fail)
    outbox.start()
    return outbox


app = _assembled(current_or_exit())
