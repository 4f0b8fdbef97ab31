"""Campaigns of queues, at the API and at the command line, which here asks the API itself."""

from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from fleet import session
from fleet.api_client import FleetApi
from fleet.cli import app
from tests.unit.worker_api_stage import TOKEN, Fleet, ask, ports
from worker_image.api_routes import create_api
from worker_image.broker import BrokerAwayError

CAMPAIGNS = "/api/v1/fleet/campaigns"
Run = Callable[..., Result]


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def api(fleet: Fleet) -> FastAPI:
    return create_api(ports(fleet), TOKEN)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, api: FastAPI) -> Run:
    def passed_on(request: httpx.Request) -> httpx.Response:
        answer = ask(api, request.method, request.url.raw_path.decode())
        return httpx.Response(answer.status_code, content=answer.content)

    def ran(*words: str) -> Result:
        client = httpx.Client(base_url="http://api", transport=httpx.MockTransport(passed_on))
        begun = SimpleNamespace(api=FleetApi(client))
        monkeypatch.setattr(session, "begin", lambda *_: begun)
        monkeypatch.setattr("fleet.campaign_commands.time.time", lambda: 100.0 + 3720)
        return CliRunner().invoke(app, ["campaign", *words])

    return ran


def test_a_campaign_is_on_from_its_first_start_until_it_is_stopped(api: FastAPI) -> None:
    first, again = (ask(api, "PUT", f"{CAMPAIGNS}/labeling").json() for _ in range(2))
    assert first == again == {"since": 100.0}
    assert ask(api, "GET", CAMPAIGNS).json() == {"running": {"labeling": 100.0}}

    ended = [ask(api, "DELETE", f"{CAMPAIGNS}/labeling").json() for _ in range(2)]
    assert ended == [{"was_on": True}, {"was_on": False}]
    assert ask(api, "GET", CAMPAIGNS).json() == {"running": {}}


def test_a_queue_that_is_not_declared_has_no_campaign(api: FastAPI) -> None:
    refused = ask(api, "PUT", f"{CAMPAIGNS}/labelling")

    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("unknown queue 'labelling'")


def test_without_a_broker_nothing_is_switched(api: FastAPI, fleet: Fleet) -> None:
    fleet.trouble = BrokerAwayError("the broker does not answer")

    for method, path in (("GET", ""), ("PUT", "/labeling"), ("DELETE", "/labeling")):
        assert ask(api, method, f"{CAMPAIGNS}{path}").status_code == 503


def test_campaigns_need_the_token(api: FastAPI, fleet: Fleet) -> None:
    assert ask(api, "PUT", f"{CAMPAIGNS}/labeling", token="wrong").status_code == 401
    assert fleet.campaigns == {}


def test_the_commands_switch_and_tell(run: Run) -> None:
    assert run("list").output == "no campaign is on\n"
    assert run("start", "labeling").output == "campaign on queue labeling: on for 1 h 2 min\n"
    assert run("list").output == "campaign on queue labeling: on for 1 h 2 min\n"
    assert run("stop", "labeling").output == "campaign on queue labeling: off now\n"
    assert run("stop", "labeling").output == "campaign on queue labeling: was not on\n"


def test_a_refusal_is_told_with_its_reason(run: Run) -> None:
    done = run("start", "labelling")

    assert done.exit_code != 0
    assert "unknown queue 'labelling'" in done.output
