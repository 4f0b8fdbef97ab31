"""One round of `fleet smoke`: what it sends, and that it leaves nothing."""

import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, cast

import pytest

from fleet.api_client import FleetApi
from fleet.smoke import round as rounds
from fleet.smoke.aims import Aim
from fleet.smoke.round import Round
from tests.unit.smoke_stage import AIM, QUEUES, Api, done


def run(api: Api, *given: Aim, timeout_s: float | None = None) -> Round:
    made = Round(cast("FleetApi", api), given, timeout_s)
    made.run(lambda _: None)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "_POLL_S", 0.01)


def test_every_queue_gets_one_probe_and_nothing_is_left_of_any() -> None:
    api = Api(dict.fromkeys(QUEUES, done(1.0)))
    given = [replace(AIM, queue=name) for name in QUEUES]
    made = run(api, *given)

    assert sorted(api.sent) == sorted((name, None) for name in QUEUES)
    assert [made.checked[name].verdict for name in QUEUES] == ["ok"] * 4
    paths = sorted(f"/api/v1/fleet/probes/{name}/id-{name}" for name in QUEUES)
    assert sorted(api.taken_back) == paths
    assert made.left == []


def test_one_queue_that_never_answers_is_given_up_and_its_probe_taken_back() -> None:
    api = Api({"default": done(1.0)})
    made = run(api, replace(AIM, queue="default"), AIM, timeout_s=0.05)

    assert made.checked["labeling"].verdict == "not begun"
    assert made.checked["default"].verdict == "ok"
    assert "/api/v1/fleet/probes/labeling/id-labeling" in api.taken_back


@pytest.mark.parametrize(("hiccups", "verdict"), [(3, "ok"), (1000, "failed")])
def test_an_api_that_restarts_meanwhile_fails_no_queue_and_one_that_stays_away_does(
    hiccups: int, verdict: str
) -> None:
    api = Api({"labeling": done(1.0)}, hiccups=hiccups)
    made = run(api, AIM, timeout_s=0.2)

    assert made.checked["labeling"].verdict == verdict


def test_a_queue_that_is_blocked_or_refused_fails_alone_and_nothing_is_sent_to_it() -> None:
    api = Api({"default": done(1.0)}, refused="scraping")
    blocked = replace(AIM, blocked="paused")
    made = run(api, replace(AIM, queue="default"), replace(AIM, queue="scraping"), blocked)

    told = {name: (each.verdict, each.why) for name, each in made.checked.items()}
    assert told["scraping"] == ("not sent", "422: unknown task")
    assert told["labeling"] == ("not sent", "paused")
    assert [name for name, _ in api.sent] == ["default"]


def test_an_interrupted_round_leaves_no_probe() -> None:
    api = Api({}, interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        run(api, *(replace(AIM, queue=name) for name in QUEUES))

    assert len(api.taken_back) == len(api.sent) == 4


def test_an_interrupt_while_probes_are_being_sent_leaves_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api, entered, go_on = Api({}), threading.Event(), threading.Event()

    def slow(*_: Any, queue: str, **__: Any) -> str:
        entered.set()
        go_on.wait(30)
        api.sent.append((queue, None))
        return f"id-{queue}"

    settled, result = rounds._settled, Future.result

    def interrupted(*_: Any) -> None:
        entered.wait(30)
        monkeypatch.setattr(Future, "result", result)
        raise KeyboardInterrupt

    def cancelled(future: Any) -> None:
        """Called once no further one can begin."""
        go_on.set()
        settled(future)

    monkeypatch.setattr(rounds, "_settled", cancelled)
    monkeypatch.setattr(api, "create", slow)
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(api, *(replace(AIM, queue=f"q{n}") for n in range(20)))

    assert 1 <= len(api.sent) < 20
    assert len(api.taken_back) == len(api.sent)


def test_what_could_not_be_taken_back_is_told() -> None:
    api = Api({"labeling": done(1.0)}, away=True)

    (told,) = run(api, AIM).left
    assert "id-labeling of queue labeling" in told
    assert "503" in told
