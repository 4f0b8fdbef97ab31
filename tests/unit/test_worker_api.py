"""The HTTP API, with the fleet replaced at its border."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from kombu.utils.json import dumps, loads

from tests.unit.worker_api_stage import LABEL, TOKEN, Fleet, ask, ports
from tests.unit.worker_stage import document, load
from worker_image import tracing
from worker_image.api_guard import MAX_BODY_BYTES
from worker_image.api_routes import create_api
from worker_image.broker import BrokerAwayError
from worker_image.factory import build_app, fleet_router
from worker_image.priority import kombu_priority
from worker_image.publish import Publisher, RefusedError, TaskMessage, TaskRequest
from worker_image.queues import percentile
from worker_image.results import TaskOutcome


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def api(fleet: Fleet) -> FastAPI:
    return create_api(ports(fleet), TOKEN)


def test_a_created_task_is_published_with_its_arguments(api: FastAPI, fleet: Fleet) -> None:
    wanted = {
        "task": LABEL,
        "kwargs": {"path": "x"},
        "priority": 9,
        "queue": "labeling",
        "tenant": "acme",
    }

    answer = ask(api, "POST", "/create", json=wanted)

    assert (answer.status_code, answer.json()) == (200, {"task_id": "id-1"})
    assert fleet.sent == [wanted | {"idempotency_key": None}]


@pytest.mark.parametrize("priority", [-1, 11, 2.5, "5", True])
def test_a_priority_off_the_scale_is_refused(api: FastAPI, fleet: Fleet, priority: object) -> None:
    answer = ask(api, "POST", "/create", json={"task": LABEL, "priority": priority})

    assert answer.status_code == 422
    assert fleet.sent == []


def test_a_misspelt_field_is_refused(api: FastAPI) -> None:
    assert ask(api, "POST", "/create", json={"task": LABEL, "args": [1]}).status_code == 422


def test_what_the_fleet_refuses_is_told(api: FastAPI, fleet: Fleet) -> None:
    fleet.trouble = RefusedError("unknown task 'x'")

    answer = ask(api, "POST", "/create", json={"task": "x"})

    assert (answer.status_code, answer.json()) == (422, {"detail": "unknown task 'x'"})


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (TaskOutcome("pending"), {"status": "pending"}),
        (TaskOutcome("completed", {"n": 1}), {"status": "completed", "result": {"n": 1}}),
        (TaskOutcome("completed"), {"status": "completed", "result": None}),
        (TaskOutcome("failed", error="E: x"), {"status": "failed", "error": "E: x"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_result_is_pending_completed_or_failed(
    api: FastAPI, fleet: Fleet, method: str, outcome: TaskOutcome, expected: dict[str, Any]
) -> None:
    fleet.outcomes["id-1"] = outcome

    assert ask(api, method, "/result/id-1").json() == expected


def test_queues_are_shown_with_their_waits(api: FastAPI) -> None:
    assert ask(api, "GET", "/api/v1/fleet/queues").json() == {
        "queues": {
            "labeling": {
                "pending": 3,
                "in_flight": 4,
                "tenants": None,
                "done": 7,
                "failed": 1,
                "redelivered": 2,
                "wait_p50_seconds": 50.0,
                "wait_p95_seconds": 95.0,
            }
        }
    }


def test_no_wait_has_no_percentile() -> None:
    assert percentile((), 0.5) is None
    assert percentile((3.0,), 0.95) == 3.0
    assert percentile((3.0, 1.0, 2.0), 0.5) == 2.0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/create"),
        ("GET", "/result/id-1"),
        ("GET", "/api/v1/fleet/queues"),
        ("GET", "/api/v1/workers/health"),
        ("GET", "/api/v1/fleet/overview"),
        ("POST", "/api/v1/tasks/labeling/label_image"),
        ("GET", "/openapi.json"),
    ],
)
@pytest.mark.parametrize("token", ["", "wrong", f"{TOKEN}x", "\u00e9"])
def test_all_but_the_health_check_wants_the_token(
    api: FastAPI, method: str, path: str, token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}

    answer = ask(api, method, path, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_health_check_asks_nobody(api: FastAPI, fleet: Fleet) -> None:
    fleet.trouble = BrokerAwayError("gone")

    assert ask(api, "GET", "/healthz", token="none").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/create", {"task": LABEL}),
        ("GET", "/result/id-1", None),
        ("GET", "/api/v1/fleet/queues", None),
        ("POST", "/api/v1/tasks/labeling/label_image", {"path": "x"}),
        ("GET", "/api/v1/workers/queues", None),
        ("GET", "/api/v1/workers/active", None),
        ("GET", "/api/v1/workers/stats", None),
        ("GET", "/api/v1/workers/health", None),
        ("GET", "/api/v1/fleet/overview", None),
    ],
)
def test_without_a_broker_the_caller_is_asked_to_come_back(
    api: FastAPI, fleet: Fleet, method: str, path: str, body: object
) -> None:
    fleet.trouble = BrokerAwayError("gone")

    answer = ask(api, method, path, json=body)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_a_large_body_is_refused_when_announced_and_when_not(api: FastAPI, fleet: Fleet) -> None:
    large = b"x" * (MAX_BODY_BYTES + 1)

    async def drip() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 4096):
            yield large[start : start + 4096]

    assert ask(api, "POST", "/create", content=large).status_code == 413
    assert ask(api, "POST", "/create", content=drip()).status_code == 413
    assert ask(api, "POST", "/create", content=large, token="wrong").status_code == 401
    assert fleet.sent == []


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    queues = document()["queues"]
    queues["training"]["routes"] = []
    queues["scraping"]["pendingKey"] = "fair:scraping:pending"
    settings = load(tmp_path, document(queues=queues))
    app = build_app(settings)
    return Publisher(app, settings.fleet, fleet_router(settings, app))


@pytest.mark.parametrize(
    ("task", "kwargs", "queue", "told"),
    [
        ("os.system", {}, None, "unknown task 'os.system'"),
        ("celery.backend_cleanup", {}, None, "unknown task"),
        ("worker_image.tasks.labeling.nope", {}, None, "unknown task"),
        (LABEL, {"path": "x"}, "gpu", "unknown queue 'gpu': declared are"),
        (LABEL, {"path": 1}, None, "path: Input should be a valid string"),
        (LABEL, {}, None, "path: is required"),
        (
            "worker_image.tasks.training.train",
            {"run_id": "r", "epochs": 1},
            None,
            "matches no route of this stack's queues",
        ),
    ],
)
def test_only_declared_tasks_with_valid_arguments_are_published(
    publisher: Publisher, task: str, kwargs: dict[str, Any], queue: str | None, told: str
) -> None:
    with pytest.raises(RefusedError, match=told):
        publisher.publish(TaskRequest(task, kwargs, queue))


@pytest.mark.parametrize(
    ("task", "queue", "tenant", "told"),
    [
        (LABEL, None, "acme", "queue 'labeling' of task .* is not fair and has no tenants"),
        (LABEL, "default", "acme", r"queue 'default' .* fair are \['scraping'\]"),
        (LABEL, "scraping", "a:b", "tenant 'a:b' is not 1 to 64 letters"),
        (LABEL, "scraping", "a.b", "tenant 'a.b' is not 1 to 64 letters"),
        (LABEL, "scraping", "", "tenant '' is not 1 to 64 letters"),
        (LABEL, "scraping", "a" * 65, "is not 1 to 64 letters"),
    ],
)
def test_a_tenant_is_refused_where_it_would_have_no_list(
    publisher: Publisher, task: str, queue: str | None, tenant: str, told: str
) -> None:
    with pytest.raises(RefusedError, match=told):
        publisher.publish(TaskRequest(task, {"path": "x"}, queue, tenant=tenant))


def test_a_message_is_whole_without_the_broker_and_the_same_once_it_was_stored(
    publisher: Publisher,
) -> None:
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "authorization": "Bearer s3cret"}
    token = tracing._asked.set(tracing.carried(trace))
    asked = TaskRequest(
        "worker_image.tasks.canary.work", {"seconds": 1}, "scraping", 9, "acme", "order-7"
    )
    message = publisher.checked(asked)
    tracing._asked.reset(token)

    assert message.options == {
        "queue": "scraping",
        "priority": kombu_priority(9),
        "headers": {"tenant": "acme", "traceparent": trace["traceparent"]},
    }
    assert publisher.checked(asked).task_id == message.task_id
    stored = dumps(asdict(message))
    assert TaskMessage(**loads(stored)) == message
    assert "s3cret" not in stored


@pytest.mark.parametrize(
    ("task", "kwargs", "told"),
    [
        (LABEL, {"path": "x" * 300_000}, "put them into a file of the data folder"),
        ("worker_image.tasks.training.train", {"run_id": "r", "epochs": 1}, "matches no route"),
    ],
)
def test_what_sending_would_refuse_is_known_without_the_broker(
    publisher: Publisher, task: str, kwargs: dict[str, Any], told: str
) -> None:
    message = publisher.checked(TaskRequest(task, kwargs))

    with pytest.raises(RefusedError, match=told):
        publisher.check_unsent(message)


def test_a_broker_that_is_not_there_is_told_soon(publisher: Publisher) -> None:
    with pytest.raises(BrokerAwayError):
        publisher.publish(TaskRequest(LABEL, {"path": "x"}, priority=9))
