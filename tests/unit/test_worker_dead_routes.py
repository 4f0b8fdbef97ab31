"""The endpoints about dead letters."""

import pytest
from fastapi import FastAPI

from tests.unit.worker_api_stage import LABEL, TOKEN, Fleet, ask, dead_letter, ports
from worker_image.api_routes import create_api
from worker_image.publish import RefusedError
from worker_image.replay import _to_come

DEAD = "/api/v1/fleet/dead"


@pytest.fixture
def fleet() -> Fleet:
    letters = [dead_letter("t1"), dead_letter("a/b", published_at=None)]
    return Fleet(parked={("labeling", letter.task_id): letter for letter in letters})


@pytest.fixture
def api(fleet: Fleet) -> FastAPI:
    return create_api(ports(fleet), TOKEN)


def test_the_list_is_in_short_and_says_how_many_there_are(api: FastAPI) -> None:
    told = ask(api, "GET", f"{DEAD}?limit=1").json()["queues"]["labeling"]

    assert told["count"] == 2
    (letter,) = told["letters"]
    assert (letter["task_id"], letter["task"], letter["deliveries"]) == ("t1", LABEL, 2)
    assert not {"message", "last_error", "redelivered_at"} & set(letter)


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_a_limit_that_cannot_be_is_refused_by_name(api: FastAPI, limit: str) -> None:
    refused = ask(api, "GET", f"{DEAD}?limit={limit}")

    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("query.limit: ")


@pytest.mark.parametrize("task_id", ["t1", "a/b"])
def test_a_letter_is_told_whole_whatever_its_tasks_id(api: FastAPI, task_id: str) -> None:
    told = ask(api, "GET", f"{DEAD}/labeling/{task_id}").json()

    assert told["task_id"] == task_id
    assert told["message"]["kwargs"] == {"image": "a.png"}
    assert len(told["redelivered_at"]) == 1


@pytest.mark.parametrize("task_id", ["t1", "a/b"])
def test_a_replay_sends_and_a_second_one_finds_nothing(
    api: FastAPI, fleet: Fleet, task_id: str
) -> None:
    first, second = (ask(api, "POST", f"{DEAD}/labeling/{task_id}/replay") for _ in range(2))

    assert first.json()["task_id"] == task_id
    assert (second.status_code, second.json()["detail"]) == (
        404,
        f"queue 'labeling' has no dead letter of task {task_id!r}",
    )
    assert len(fleet.sent) == 1


def test_a_discard_answers_with_what_it_removed(api: FastAPI, fleet: Fleet) -> None:
    told = ask(api, "DELETE", f"{DEAD}/labeling/t1").json()

    assert told["message"]["kwargs"] == {"image": "a.png"}
    assert ("labeling", "t1") not in fleet.parked


def test_nothing_of_it_is_open_without_the_token(api: FastAPI, fleet: Fleet) -> None:
    for method, path in (("GET", ""), ("DELETE", "/labeling/t1"), ("POST", "/labeling/t1/replay")):
        assert ask(api, method, f"{DEAD}{path}", token="wrong").status_code == 401
    assert len(fleet.parked) == 2


def test_a_message_that_nobody_would_take_is_refused(api: FastAPI, fleet: Fleet) -> None:
    fleet.trouble = RefusedError("task 't1' stays parked: unknown task")

    refused = ask(api, "POST", f"{DEAD}/labeling/t1/replay")

    assert (refused.status_code, refused.json()["detail"]) == (422, str(fleet.trouble))


def test_the_endpoints_are_described_with_their_errors(api: FastAPI) -> None:
    paths = ask(api, "GET", "/openapi.json").json()["paths"]

    letter = paths[f"{DEAD}/{{queue}}/{{task_id}}"]
    assert set(letter) == {"get", "delete"}
    assert {"200", "401", "404", "422", "503"} <= set(letter["get"]["responses"])
    assert set(paths[f"{DEAD}/{{queue}}/{{task_id}}/replay"]) == {"post"}


def test_an_expiry_that_is_past_is_not_sent_again_one_to_come_is() -> None:
    assert _to_come(None) is None
    assert _to_come("2020-01-01T00:00:00+00:00") is None
    assert _to_come("2020-01-01T00:00:00") is None
    assert _to_come("2999-01-01T00:00:00+00:00") == "2999-01-01T00:00:00+00:00"
