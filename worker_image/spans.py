"""OpenTelemetry's spans: one for each run of a task, the parent of what the task sends.

Imported only where the SDK is installed and an endpoint is named.
"""

import logging
from collections.abc import MutableMapping
from contextvars import Token
from importlib import import_module
from typing import Any

from celery import signals
from opentelemetry import context, propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from worker_image.tracing import carried

# The image brings neither; either will do.
_EXPORTERS = tuple(
    f"opentelemetry.exporter.otlp.proto.{wire}.trace_exporter" for wire in ("http", "grpc")
)

logger = logging.getLogger(__name__)


class Spans:
    """Starts and ends spans; the provider is made where tasks run, after the fork."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._running: dict[str, tuple[trace.Span, Token[context.Context]]] = {}

    def connect(self) -> None:
        """Trace tasks from now on, in this process and its children."""
        signals.before_task_publish.connect(self.on_publish, weak=False)
        signals.task_prerun.connect(self.on_start, weak=False)
        signals.task_postrun.connect(self.on_end, weak=False)
        signals.worker_process_shutdown.connect(self.flush, weak=False)
        signals.worker_shutdown.connect(self.flush, weak=False)

    def on_publish(self, headers: MutableMapping[str, Any] | None = None, **_: object) -> None:
        """Make the running span the message's parent; without one the headers stay."""
        if headers is not None:
            propagate.inject(headers)

    def on_start(self, task_id: str, task: Any, **_: object) -> None:  # noqa: ANN401 - Celery's task
        request = task.request
        came = carried({name: request.get(name) for name in ("traceparent", "tracestate")})
        span = self._tracer().start_span(
            task.name,
            propagate.extract(came),
            trace.SpanKind.CONSUMER,
            {
                "messaging.system": "redis",
                "messaging.destination.name": str((request.delivery_info or {}).get("routing_key")),
                "messaging.message.id": task_id,
            },
        )
        self._running[task_id] = span, context.attach(trace.set_span_in_context(span))

    def on_end(self, task_id: str, state: str, **_: object) -> None:
        found = self._running.pop(task_id, None)
        if found is None:
            return
        span, token = found
        context.detach(token)
        span.set_attribute("celery.state", state)
        if state == "FAILURE":
            span.set_status(trace.StatusCode.ERROR)
        span.end()

    def flush(self, **_: object) -> None:
        """Send what is left, before the process ends."""
        if self._provider is not None:
            self._provider.shutdown()

    def _tracer(self) -> trace.Tracer:
        if self._provider is None:
            self._provider = _provider()
        return self._provider.get_tracer("worker_image")


def _provider() -> TracerProvider:
    """Export as the OTEL_ variables say, or nowhere where no exporter is installed."""
    provider = TracerProvider(resource=Resource.create({"service.name": "celery-fleet-worker"}))
    for name in _EXPORTERS:
        try:
            exporter = import_module(name).OTLPSpanExporter()
        except ImportError:
            continue
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return provider
    logger.warning("spans go nowhere: no OTLP exporter is installed")
    return provider
