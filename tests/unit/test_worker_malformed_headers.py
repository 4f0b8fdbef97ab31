"""Headers and bodies that cannot be are refused by name; what Celery publishes is taken."""

import json
from typing import Any

import pytest

from chaos.fuzz import payloads
from tests.unit.malformed_stage import refusal, taken, valid
from worker_image.malformed import (
    DEPTH_MAX,
)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"eta": "tomorrow"}, "its header eta is 'tomorrow', not a time"),
        ({"eta": "2150-01-01T00:00:00"}, "within 31 days"),
        ({"expires": "0001-01-01T00:00:00+23:59"}, "its header expires is"),
        ({"retries": "3"}, "its header retries is '3', not a whole number"),
        ({"retries": True}, "its header retries is True"),
        ({"timelimit": [float("nan"), 1]}, "two numbers of seconds above 0"),
        ({"timelimit": 5}, "its header timelimit is 5"),
        ({"id": None}, "its header id is None"),
        ({"id": ""}, "1 to 255 printable characters"),
        ({"get": 1}, "its header 'get' is one of Celery's own names"),
        ({"is_eager": True}, "one of Celery's own names"),
        ({"group": {}}, "its header group is {}"),
        ({"fleet_published_at": 10**400}, "not a Unix time"),
        ({"tenant": "../x"}, "not a tenant's name"),
        ({"task": "celery.chord_unlock"}, "which nothing here needs"),
        ({"argsrepr": "\ud800"}, "half a character"),
        ({"compression": "brotli"}, "its compression is 'brotli'"),
    ],
)
def test_a_header_that_cannot_be_is_named(headers: dict[str, Any], told: str) -> None:
    assert told in refusal(valid(**headers))


@pytest.mark.parametrize("levels", [DEPTH_MAX, 900, 5000])
def test_what_is_nested_too_deeply_is_refused_also_between_brackets_in_strings(levels: int) -> None:
    deep = "[" * levels + "]" * levels
    body = payloads.encoded(f'[[], {{"number": {deep}}}, {{}}]'.encode())
    assert "its body is nested more than" in refusal({**valid(), "body": body})

    brackets = payloads.body_of([], {"number": "[{" * 5000 + '\\"'}, {})
    assert taken(json.dumps({**valid(), "body": brackets}).encode())


@pytest.mark.parametrize(
    "after",
    [
        {"callbacks": "x"},
        {"chain": [{"task": "x"}]},
        {"chord": 5},
        {"errbacks": [None]},
        {"callbacks": [{"task": "x", "args": [], "kwargs": {}, "options": []}]},
        {"id": "other"},
        {"chain": [{"task": "x", "args": [], "kwargs": {}, "options": {}}] * 1001},
    ],
)
def test_what_is_no_signature_is_refused_before_the_task_runs(after: dict[str, Any]) -> None:
    assert refusal({**valid(), "body": payloads.body_of([], {}, after)})
