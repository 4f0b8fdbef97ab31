"""W3C trace context: whoever asks for a task, its log lines and what it sends share one trace.

Headers `traceparent` and `tracestate` travel in the message as they came. Where OpenTelemetry is on
(OTEL_EXPORTER_OTLP_ENDPOINT is set, its SDK is installed) each run of a task is a span, too.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from celery import current_task, signals

from worker_image.settings import Settings

TRACEPARENT = "traceparent"
_TRACESTATE = "tracestate"
# W3C Trace Context, 3.2: version, trace id, parent id, flags; ids of zeros are none.
_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STATE_MAX = 512

_asked: ContextVar[Mapping[str, str]] = ContextVar("asked", default=MappingProxyType({}))


def carried(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return what travels on of a request's or message's headers; nothing of a broken one."""
    parent, state = headers.get(TRACEPARENT), headers.get(_TRACESTATE)
    if not isinstance(parent, str) or _VALID.fullmatch(parent) is None:
        return {}
    if not isinstance(state, str) or not 0 < len(state) <= _STATE_MAX:
        return {TRACEPARENT: parent}
    return {TRACEPARENT: parent, _TRACESTATE: state}


def asked_context() -> Mapping[str, str]:
    """Return the context of the HTTP request that this thread serves; empty where it has none."""
    return _asked.get()


def trace_id(request: Any) -> str | None:  # noqa: ANN401 - Celery's Context
    """Return the trace that a task belongs to; None where it belongs to none."""
    parent = carried({TRACEPARENT: request.get(TRACEPARENT)}).get(TRACEPARENT)
    return parent and parent.split("-")[1]


def on_publish(headers: MutableMapping[str, Any] | None = None, **_: object) -> None:
    """Give a message the context of the request or the task that sends it, if it has none."""
    if headers is None or TRACEPARENT in headers:
        return
    if asked := _asked.get():
        headers.update(asked)
    elif current_task:
        request = current_task.request
        headers.update(carried({name: request.get(name) for name in (TRACEPARENT, _TRACESTATE)}))


class Incoming:
    """ASGI middleware: what an HTTP request makes this process send belongs to its trace."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Mapping[str, Any], receive: object, send: object) -> None:
        told = {key.decode(): value.decode("latin-1") for key, value in scope.get("headers", ())}
        token = _asked.set(carried(told))
        try:
            await self._app(scope, receive, send)
        finally:
            _asked.reset(token)


def connect(settings: Settings) -> None:
    """Carry the context through every message, and make spans where they are asked for."""
    signals.before_task_publish.connect(on_publish, weak=False)
    environment = settings.environment
    if environment.otel_endpoint is None or environment.otel_disabled:
        return
    if find_spec("opentelemetry") is not None and find_spec("opentelemetry.sdk") is not None:
        from worker_image.spans import Spans  # noqa: PLC0415 - slow to import, rarely there

        Spans().connect()
