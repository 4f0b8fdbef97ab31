"""The endpoint that takes an operator's probe back."""

import pytest
from fastapi import FastAPI

from tests.unit.worker_api_stage import TOKEN, Fleet, ask, ports
from worker_image.api_routes import create_api
from worker_image.broker import BrokerAwayError

PROBES = "/api/v1/fleet/probes"


@pytest.fixture
def fleet() -> Fleet:
    return Fleet(probes={("labeling", "id-1"): True})


@pytest.fixture
def api(fleet: Fleet) -> FastAPI:
    return create_api(ports(fleet), TOKEN)


def test_a_probe_is_taken_back_once(api: FastAPI) -> None:
    answers = [ask(api, "DELETE", f"{PROBES}/labeling/id-1").json() for _ in range(2)]

    assert answers == [{"was_waiting": True}, {"was_waiting": False}]


def test_a_queue_that_is_not_declared_and_what_is_no_id_are_refused(api: FastAPI) -> None:
    assert ask(api, "DELETE", f"{PROBES}/labelling/id-1").status_code == 422
    assert ask(api, "DELETE", f"{PROBES}/labeling/not%20an%20id").status_code == 422


def test_it_needs_the_token_and_a_broker(api: FastAPI, fleet: Fleet) -> None:
    assert ask(api, "DELETE", f"{PROBES}/labeling/id-1", token="wrong").status_code == 401
    fleet.trouble = BrokerAwayError("the broker does not answer")
    assert ask(api, "DELETE", f"{PROBES}/labeling/id-1").status_code == 503
    assert fleet.probes == {("labeling", "id-1"): True}
