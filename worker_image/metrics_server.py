"""Answers Prometheus at `/metrics`, in threads of its own."""

import logging

from prometheus_client import CollectorRegistry, start_http_server

logger = logging.getLogger(__name__)


def serve(registry: CollectorRegistry, address: str, port: int) -> None:
    """Answer until the process ends; a port that is taken costs the metrics, never the tasks."""
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        logger.error("no metrics at %s:%d: %s", address, port, error)  # noqa: TRY400 - no trace
