"""The HTTP API, assembled: `uvicorn worker_image.api:app`."""

import sys

from fastapi import FastAPI

from worker_image import broker, logs
from worker_image.api_routes import Ports, create_api
from worker_image.app import app as celery_app
from worker_image.factory import fleet_router
from worker_image.publish import Publisher
from worker_image.queues import QueueReader
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
    ports = Ports(
        Publisher(celery_app, settings.fleet, fleet_router(settings, celery_app)),
        Results(results, celery_app.backend),
        QueueReader(client, settings.fleet, StatsStore(client, settings.fleet.key_prefix)),
    )
    return create_api(ports, token.get_secret_value())


app = _assembled(current_or_exit())
