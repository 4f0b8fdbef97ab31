"""The HTTP API, assembled: `uvicorn worker_image.api:app`."""

import sys

from fastapi import FastAPI

from worker_image import boot, broker, logs, tracing
from worker_image.api_monitor import Monitor
from worker_image.api_routes import Ports, create_api
from worker_image.app import app as celery_app
from worker_image.campaigns import Campaigns
from worker_image.factory import fleet_router
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
    publisher = Publisher(celery_app, fleet, fleet_router(settings, celery_app))
    boot.check_publisher(settings, celery_app)
    ports = Ports(
        publisher,
        outcomes,
        queues,
        Monitor(client, fleet, queues),
        LetterDesk(celery_app, client, fleet, publisher, outcomes),
        Campaigns(client, fleet),
    )
    api = create_api(ports, token.get_secret_value())
    api.add_middleware(tracing.Incoming)
    return api


app = _assembled(current_or_exit())
