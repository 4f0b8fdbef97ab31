"""W3C trace context: from whoever asks, through a task, into what it sends and what it logs."""

import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery._state import _task_stack
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.unit.worker_stage import environ, load
from worker_image import logs, tracing
from worker_image.logs import JsonFormatter
from worker_image.spans import Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def task() -> Any:
    """A task that runs in this process, as one that belongs to a trace."""
    app = Celery("tracing", set_as_current=False)

    def work() -> None:
        """Do nothing."""

    task = app.task(work, name="tests.tracing.work", shared=False)
    _task_stack.push(task)
    delivery = {"routing_key": "labeling"}
    task.push_request(id="1", traceparent=PARENT, tracestate="a=b", delivery_info=delivery)
    yield task
    task.pop_request()
    _task_stack.pop()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        "",
        f"00-{TRACE}-b7ad6b7169203331",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01\n",
    ],
)
def test_a_broken_context_goes_no_further(broken: object) -> None:
    assert tracing.carried({"traceparent": broken, "tracestate": "a=b"}) == {}


def test_a_whole_context_goes_on_without_anything_else() -> None:
    told = {"traceparent": PARENT, "tracestate": "a=b", "authorization": "x"}

    assert tracing.carried(told) == {"traceparent": PARENT, "tracestate": "a=b"}
    assert tracing.carried({**told, "tracestate": "x" * 513}) == {"traceparent": PARENT}


@pytest.mark.usefixtures("task")
def test_what_a_task_sends_belongs_to_its_trace() -> None:
    headers: dict[str, Any] = {}
    tracing.on_publish(headers)

    assert headers == {"traceparent": PARENT, "tracestate": "a=b"}


@pytest.mark.usefixtures("task")
def test_a_message_that_has_a_trace_keeps_it() -> None:
    other = {"traceparent": PARENT.replace("b7", "c8")}
    headers = dict(other)
    tracing.on_publish(headers)

    assert headers == other


def test_without_a_trace_nothing_is_added() -> None:
    headers: dict[str, Any] = {}
    tracing.on_publish(headers)

    assert headers == {}


def test_what_a_request_sends_belongs_to_its_trace_also_from_a_thread() -> None:
    async def api(*_: object) -> None:
        await asyncio.to_thread(tracing.on_publish, sent)

    async def ask(headers: list[tuple[bytes, bytes]]) -> None:
        await tracing.Incoming(api)({"type": "http", "headers": headers}, None, None)

    sent: dict[str, Any] = {}
    asyncio.run(ask([(b"authorization", b"x"), (b"traceparent", PARENT.encode())]))
    assert sent == {"traceparent": PARENT}

    sent.clear()
    asyncio.run(ask([(b"traceparent", b"\xff")]))
    tracing.on_publish(sent)
    assert sent == {}


def told(record: dict[str, Any]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(JsonFormatter("w").format(logging.makeLogRecord(record)))
    return line


@pytest.mark.usefixtures("task")
def test_a_tasks_lines_tell_its_trace() -> None:
    assert told({"msg": "x"})["trace_id"] == TRACE


def test_lines_about_a_message_that_arrives_tell_queue_tenant_and_trace() -> None:
    headers = {"id": "7", "task": "tests.work", "traceparent": PARENT}
    message = SimpleNamespace(headers=headers, delivery_info={"routing_key": "labeling.acme"})
    fair = JsonFormatter("w", {"labeling"})
    with logs.about(message):
        line = json.loads(fair.format(logging.makeLogRecord({"msg": "received"})))

    assert (line["task_id"], line["task"], line["operation"]) == ("7", "tests.work", "work")
    assert (line["queue"], line["tenant"], line["trace_id"]) == ("labeling", "acme", TRACE)
    assert told({"msg": "after it"})["queue"] is None


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Spans:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Spans(provider)


def test_with_opentelemetry_a_run_is_a_span_between_what_asked_and_what_it_sends(
    task: Any, spans: Spans, exporter: InMemorySpanExporter
) -> None:
    sent: dict[str, Any] = {}
    spans.on_start("1", task)
    tracing.on_publish(sent)
    spans.on_publish(sent)
    spans.on_end("1", "FAILURE")

    (span,) = exporter.get_finished_spans()
    assert (span.name, span.status.is_ok) == ("tests.tracing.work", False)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert sent["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert span.attributes is not None
    assert span.attributes["messaging.destination.name"] == "labeling"
    after: dict[str, Any] = {}
    spans.on_publish(after)
    assert after == {}


LOADED = """
import sys
import worker_image.app
print(sorted(name for name in sys.modules if name.split(".")[0] in sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("env", "loaded"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"}, True),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
                "OTEL_SDK_DISABLED": "true",
            },
            False,
        ),
    ],
)
def test_unless_it_is_on_opentelemetry_is_not_even_imported(
    tmp_path: Path, env: dict[str, str], *, loaded: bool
) -> None:
    command = [sys.executable, "-c", LOADED, "opentelemetry", "prometheus_client"]
    done = subprocess.run(
        command, env={**environ(tmp_path), **env}, check=True, capture_output=True, text=True
    )

    assert ("opentelemetry.sdk.trace" in done.stdout) is loaded
    assert "prometheus_client" not in done.stdout
    assert load(tmp_path).environment.otel_endpoint is None
