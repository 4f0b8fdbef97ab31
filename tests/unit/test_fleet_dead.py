"""`fleet dead` over an API that is a stand-in: what it asks, prints and refuses."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from fleet import dead_table, session
from fleet.api_client import FleetApi
from fleet.cli import app
from fleet.dead import PAGE, DeadQueue

DEAD = "/api/v1/fleet/dead"
NOW = 1_700_000_000.0
ID = "0b6dd1b6-a0f1-4a8e-8b3e-5d0f0a0f9a41"
LETTER: dict[str, Any] = {
    "task_id": ID,
    "task": "worker_image.tasks.labeling.label_image",
    "queue": "labeling",
    "reason": "delivered 5 times without an end [1]",
    "deliveries": 3,
    "published_at": NOW - 200,
    "parked_at": NOW - 100,
}
WHOLE = LETTER | {
    "redelivered_at": [NOW - 160, NOW - 130],
    "last_error": "WorkerLostError: signal 9",
    "message": {"task": LETTER["task"], "kwargs": {"image": "ä.png"}},
}


class Api:
    """Keeps letters by task id; refuses what is named so, and is away from some request on."""

    def __init__(self, ids: list[str], refused: str = "", away_after: int = 10**6) -> None:
        self.ids = ids
        self.refused = refused
        self.away_after = away_after
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append(f"{request.method} {path}")
        if len(self.asked) > self.away_after:
            raise httpx.ReadTimeout("late", request=request)
        if path.startswith(f"{DEAD}?"):
            limit = int(request.url.params["limit"])
            letters = [LETTER | {"task_id": each} for each in self.ids[:limit]]
            told = {"count": len(self.ids), "letters": letters}
            return httpx.Response(200, json={"queues": {"labeling": told}})
        task_id = path.removeprefix(f"{DEAD}/labeling/").removesuffix("/replay")
        if task_id not in self.ids:
            return httpx.Response(404, json={"detail": f"no dead letter of task {task_id!r}"})
        if task_id == self.refused:
            return httpx.Response(422, json={"detail": "unknown task"})
        if request.method != "GET":
            self.ids.remove(task_id)
        return httpx.Response(200, json=WHOLE | {"task_id": task_id})


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def ran(api: Api, *words: str, **rest: Any) -> Result:
        client = httpx.Client(base_url="http://api", transport=httpx.MockTransport(api))
        begun = SimpleNamespace(api=FleetApi(client))
        monkeypatch.setattr(session, "begin", lambda *_: begun)
        return CliRunner().invoke(app, ["dead", *words], **rest)

    return ran


def test_the_table_tells_age_task_deliveries_and_reason_and_cuts_no_id() -> None:
    console = Console(width=80)
    queues = {"labeling": DeadQueue(30, [LETTER]), "empty": DeadQueue(0, [])}
    with console.capture() as capture:
        console.print(dead_table.letters(queues, NOW))
    lines = capture.get().splitlines()

    assert lines[0].strip() == "labeling: 30 dead letters, the newest 1"
    (first,) = [n for n, line in enumerate(lines) if "labeling.label_image" in line]
    assert lines[first].split() == ["2", "min", "3", "labeling.label_image"]
    assert [line.strip() for line in lines[first + 1 : first + 3]] == [ID, LETTER["reason"]]
    told = "\n".join(lines)
    assert "empty" not in told
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (9e5, "10 d")]
)
def test_an_age_is_told_in_one_unit(seconds: float, told: str) -> None:
    assert dead_table.age(seconds) == told


def test_a_letter_is_shown_with_every_delivery_in_its_order_and_the_whole_message() -> None:
    lines = dead_table.letter(WHOLE).splitlines()

    history = [line for line in lines if line.startswith("2023-")]
    assert history == [
        "2023-11-14 22:10:00 UTC  published",
        "2023-11-14 22:10:40 UTC  delivery 2 started",
        "2023-11-14 22:11:10 UTC  delivery 3 started",
        "2023-11-14 22:11:40 UTC  parked; last error: WorkerLostError: signal 9",
    ]
    message = "\n".join(lines[lines.index("message") + 1 :])
    assert json.loads(message) == WHOLE["message"]
    assert "ä.png" in message


def test_programs_get_json(run: Run) -> None:
    listed = json.loads(run(Api(["a"]), "list", "--json").stdout)
    shown = json.loads(run(Api(["a"]), "show", "labeling", "a", "--json").stdout)

    assert listed["labeling"]["count"] == 1
    assert listed["labeling"]["newest"][0]["task_id"] == "a"
    assert shown["redelivered_at"] == WHOLE["redelivered_at"]


def test_all_begins_with_the_oldest_and_deals_with_every_page(run: Run) -> None:
    ids = [str(number) for number in range(PAGE + 3)]
    api = Api(ids.copy())

    done = run(api, "replay", "labeling", "--all", "--yes")

    assert done.stdout == f"replayed {PAGE + 3} dead letters of queue labeling\n"
    posted = [ask.split("/")[-2] for ask in api.asked if ask.startswith("POST")]
    newest, rest = ids[:PAGE], ids[PAGE:]
    assert posted == newest[::-1] + rest[::-1]


def test_letters_that_are_refused_are_asked_once_and_told(run: Run) -> None:
    api = Api(["a", "b", "c"], refused="b")

    done = run(api, "replay", "labeling", "--all", "--yes")

    assert done.exit_code == 1
    assert done.stdout == "replayed 2 dead letters of queue labeling\n"
    assert done.stderr == "error: b: 422: unknown task\n"
    assert sum("/b/" in ask for ask in api.asked) == 1


def test_an_api_that_goes_away_ends_it_and_what_was_done_is_told(run: Run) -> None:
    api = Api(["a", "b", "c"], away_after=2)

    done = run(api, "discard", "labeling", "--all", "--yes")

    assert (done.exit_code, done.stdout) == (1, "discarded 1 dead letters of queue labeling\n")
    assert "error: b: the fleet's HTTP API does not answer" in done.stderr
    assert "error: a" not in done.stderr
    assert api.ids == ["a", "b"]


def test_a_discard_is_always_asked_for_a_replay_of_one_is_not(run: Run) -> None:
    api = Api(["a", "b", "c"])

    assert run(api, "discard", "labeling", "a", input="n\n").exit_code == 1
    assert run(api, "replay", "labeling", "a", "b", input="n\n").exit_code == 1
    assert run(api, "replay", "labeling", "--all", input="n\n").exit_code == 1
    assert api.ids == ["a", "b", "c"]
    assert run(api, "replay", "labeling", "c").exit_code == 0
    asked = run(api, "replay", "labeling", "a", "b", "a", input="y\n")
    assert "replay 2 of the dead letters of queue labeling?" in asked.stderr
    assert api.ids == []


@pytest.mark.parametrize(
    ("words", "why"),
    [(("a", "--all"), "were both given"), ((), "there is no task id")],
)
def test_which_letters_are_meant_must_be_clear(run: Run, words: tuple[str, ...], why: str) -> None:
    api = Api(["a"])

    done = run(api, "discard", "labeling", *words, "--yes")

    assert done.exit_code == 1
    assert why in done.stderr
    assert api.ids == ["a"]


def test_an_unknown_letter_is_one_error_that_says_where_to_look(run: Run) -> None:
    done = run(Api([]), "show", "labeling", "x/y z")

    assert done.exit_code == 1
    assert "there is no such dead letter" in done.stderr
    assert "no dead letter of task 'x%2Fy%20z'" in done.stderr
    assert "fleet dead list" in done.stderr
