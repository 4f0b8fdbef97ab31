"""The endpoint of each task, and what the API says to bodies that are not what they should be."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.unit.worker_api_stage import LABEL, UPDATE, Fleet, ask, ports
from tests.unit.worker_stage import document, load
from worker_image.api_routes import create_api
from worker_image.factory import build_app, fleet_router
from worker_image.publish import Publisher, RefusedError
from worker_image.results import TaskOutcome

PATH = "/api/v1/tasks/labeling/label_image"


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def api(fleet: Fleet) -> FastAPI:
    return create_api(ports(fleet), "s3cret")


def test_a_task_is_sent_with_what_was_given_and_no_defaults(api: FastAPI, fleet: Fleet) -> None:
    answer = ask(
        api,
        "POST",
        f"{PATH}?priority=9&queue=labeling&tenant=acme",
        json={"path": "x"},
        headers={"Idempotency-Key": "order-7"},
    )

    assert (answer.status_code, answer.json()) == (200, {"task_id": "id-1"})
    assert fleet.sent == [
        {
            "task": LABEL,
            "kwargs": {"path": "x"},
            "queue": "labeling",
            "priority": 9,
            "tenant": "acme",
            "idempotency_key": "order-7",
        }
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "body.path: Field required"),
        ({"path": 1}, "body.path: Input should be a valid string"),
        ({"path": "x", "think_seconds": -1}, "body.think_seconds: Input should be greater than"),
        ({"path": "x", "paht": "y"}, "body.paht: Extra inputs are not permitted"),
        ([], "body: "),
    ],
)
def test_arguments_that_the_task_does_not_take_are_refused_by_name(
    api: FastAPI, fleet: Fleet, body: object, told: str
) -> None:
    answer = ask(api, "POST", PATH, json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(told)
    assert fleet.sent == []


@pytest.mark.parametrize("query", ["priority=11", "priority=-1", "priority=x"])
def test_an_option_off_its_scale_is_refused(api: FastAPI, fleet: Fleet, query: str) -> None:
    assert ask(api, "POST", f"{PATH}?{query}", json={"path": "x"}).status_code == 422
    assert fleet.sent == []


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "\u00e9"])
@pytest.mark.parametrize("path", ["/create", PATH])
def test_a_key_that_is_no_plain_word_is_refused(
    api: FastAPI, fleet: Fleet, path: str, key: str
) -> None:
    headers = {"Idempotency-Key": key.encode()}
    body = {"task": LABEL, "kwargs": {"path": "x"}} if path == "/create" else {"path": "x"}

    assert ask(api, "POST", path, json=body, headers=headers).status_code == 422
    assert fleet.sent == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"path": "x", "think_seconds": NaN}', 422),
        ('{"path": "x", "think_seconds": 1e999}', 422),
        ('{"path": "\\ud800"}', 200),
        ('{"\\ud800": 1}', 422),
        ('{"path": ' + "[" * 100_000, 400),
        ('{"path": ' + "9" * 5000 + "}", 400),
        ("{", 422),
        (b"\xff", 400),
    ],
)
def test_what_json_or_utf8_cannot_say_is_answered_and_not_raised(
    api: FastAPI, body: str | bytes, status: int
) -> None:
    answer = ask(api, "POST", PATH, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status
    assert answer.json().get("detail") or status == 200


def test_a_refusal_that_repeats_half_a_surrogate_pair_is_told(api: FastAPI, fleet: Fleet) -> None:
    fleet.trouble = RefusedError("no \ud800")

    answer = ask(api, "POST", PATH, json={"path": "x"})

    assert (answer.status_code, answer.json()) == (422, {"detail": "no \\ud800"})


def test_a_result_that_is_no_number_is_told_as_null(api: FastAPI, fleet: Fleet) -> None:
    fleet.outcomes["id-1"] = TaskOutcome("completed", {"loss": float("nan")})

    answer = ask(api, "GET", "/result/id-1")

    assert answer.json() == {"status": "completed", "result": {"loss": None}}


def test_openapi_describes_each_task_by_its_own_arguments_and_the_token(api: FastAPI) -> None:
    told = ask(api, "GET", "/openapi.json").json()

    posted = told["paths"][PATH]["post"]
    reference = posted["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = told["components"]["schemas"][reference.rpartition("/")[2]]
    assert (schema["required"], schema["additionalProperties"]) == (["path"], False)
    assert schema["properties"]["think_seconds"]["maximum"] == 3600
    assert posted["description"].startswith("Label an image by brightness")
    assert {"401", "413", "422", "503"} <= posted["responses"].keys()
    assert told["security"] == [{"token": []}]
    assert told["paths"]["/healthz"]["get"]["security"] == []
    assert "/api/v1/tasks/quick/update_metadata" in told["paths"]


def publisher(folder: Path, queues: dict[str, Any]) -> Publisher:
    settings = load(folder, document(queues=queues))
    app = build_app(settings)
    return Publisher(app, settings.fleet, fleet_router(settings, app))


def test_only_tasks_that_the_stack_routes_have_an_endpoint(tmp_path: Path) -> None:
    queues = document()["queues"]
    queues["training"]["routes"] = []

    routed = {task.name: task.queue for task in publisher(tmp_path, queues).tasks()}

    assert routed[LABEL] == "labeling"
    assert "worker_image.tasks.training.train" not in routed
    assert UPDATE not in routed
    assert not any(name.startswith("celery.") for name in routed)
