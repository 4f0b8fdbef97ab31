"""A refused message is parked where somebody looks; one that fails at its end is settled too."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker.request import Request as CeleryRequest

from chaos.fuzz.messages import Maker
from tests.unit.test_worker_poison import Store
from tests.unit.worker_stage import load
from worker_image import dead_letters, poison, request
from worker_image.drain import keeping
from worker_image.leases import known_tags
from worker_image.malformed import letter_id
from worker_image.poison import Guard
from worker_image.request import Request
from worker_image.transport import broadcast, held
from worker_image.transport.words import Words


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def guard(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Guard:
    guard = Guard(load(tmp_path), store)  # type: ignore[arg-type]  # a stand-in
    monkeypatch.setattr(poison, "of_this_process", lambda: guard)
    return guard


def parked(store: Store, queue: str) -> list[dead_letters.DeadLetter]:
    return dead_letters.read(store, "", queue)  # type: ignore[arg-type]  # a stand-in


def message_to(queue: str, item: bytes) -> Any:
    return SimpleNamespace(
        channel=SimpleNamespace(item=item),
        delivery_info={"routing_key": queue},
        headers={"id": "t1"},
        delivery_tag="tag",
        _raw={"a": 1},
    )


def test_a_refused_message_is_a_letter_of_its_queue_that_tells_why(
    guard: Guard, store: Store
) -> None:
    counted: list[str] = []
    guard.on_park = counted.append

    for _ in range(2):
        guard.refuse(message_to("labeling", b'{"headers": {"task": "x.y"}}'), "no body")

    (letter,) = parked(store, "labeling")
    assert (letter.task, letter.reason) == ("x.y", "malformed: no body")
    assert letter.message["malformed"] == '{"headers": {"task": "x.y"}}'
    assert counted == ["labeling"] * 2


def test_a_letter_to_a_queue_that_is_none_comes_where_somebody_looks(
    guard: Guard, store: Store
) -> None:
    guard.refuse(message_to("nowhere", b"?"), "no JSON")

    (letter,) = parked(store, "default")
    assert letter.task_id == letter_id(b"?")
    assert parked(store, "nowhere") == []


def test_no_malformed_message_takes_another_letters_place(guard: Guard, store: Store) -> None:
    guard.park_unread(message_to("default", b""), "no such task")
    for item in (b'{"headers": {"id": "t1"}}', b'{"headers": {"id": "t1"}} '):
        guard.refuse(message_to("default", item), "no body")

    assert len(parked(store, "default")) == 3


class Restoring:
    """Stand-in for a channel that knows one list."""

    global_keyprefix = "p:"

    def _do_restore_message(
        self, payload: dict[str, Any], exchange: str, routing_key: str, words: Words
    ) -> None:
        if not exchange:
            words.add("rpush", routing_key, json.dumps(payload))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (b"\xff", "what was held is not UTF-8 text"),
        (b"{}", "is not a message, its exchange and its routing key"),
        (b'[1, "", "default"]', "it is a number, not an object"),
        (b'[{}, "", ""]', "names no list"),
        (b'["' + b"[" * 9 + b'", 1, 2]', "names no list"),
        (b"[" * 99, "nested more than 65 levels"),
    ],
)
def test_a_record_of_what_is_held_that_is_none_is_parked_not_looked_at_for_ever(
    record: bytes, told: str
) -> None:
    words = held.put_back(Restoring(), record, "default")

    count, command, key, task_id, text = words.told
    assert (count, command, key, task_id) == (4, "HSET", "p:fleet:dead:default", letter_id(record))
    assert told in json.loads(str(text))["reason"]
    assert words.pushes == 0


def test_a_message_that_leads_to_no_list_is_parked_and_an_ordinary_one_put_back() -> None:
    message = Maker(1, Path("m"), ()).valid(Random(1), 1)  # noqa: S311 - to be repeated

    back = held.put_back(Restoring(), json.dumps([message, "", "labeling"]).encode(), "default")
    lost = held.put_back(Restoring(), json.dumps([message, "gone", "x"]).encode(), "default")

    assert back.told[1:3] == ["rpush", "p:labeling"]
    assert "it leads to no list: gone x" in str(lost.told[-1])


@pytest.mark.parametrize(
    "change",
    [
        {"method": 5},
        {"arguments": []},
        {"destination": "worker"},
        {"pattern": "(a+)+$", "matcher": "pcre"},
        {"reply_to": {"exchange": 5}},
    ],
)
def test_a_malformed_command_is_refused_and_a_plain_one_taken(change: dict[str, Any]) -> None:
    command = {"method": "ping", "arguments": None, "destination": ["a@b"], "ticket": "1"}
    message = Maker(1, Path("m"), ()).valid(Random(1), 1)  # noqa: S311 - likewise
    message["properties"]["body_encoding"] = None

    broadcast.check({**message, "body": json.dumps(command)})
    with pytest.raises(ValueError, match=r"its|pattern"):
        broadcast.check({**message, "body": json.dumps(command | change)})


def failing(*_: Any, **__: Any) -> None:
    raise AttributeError("no options")


@pytest.mark.parametrize("acknowledged", [False, True])
@pytest.mark.usefixtures("guard")
def test_a_request_whose_end_cannot_be_told_is_settled_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, acknowledged: bool
) -> None:
    monkeypatch.setattr(CeleryRequest, "on_failure", failing)
    mine: Any = Request.__new__(Request)
    rejected: list[bool] = []
    mine.acknowledged, mine.name, mine.id = acknowledged, "x", "t1"
    mine._message = message_to("default", b"")
    monkeypatch.setattr(request.Request, "reject", lambda _, requeue: rejected.append(requeue))

    mine.on_failure(None)

    assert rejected == ([] if acknowledged else [False])
    assert len(parked(store, "default")) == (not acknowledged)


@pytest.mark.parametrize("end", ["on_failure", "on_timeout"])
@pytest.mark.usefixtures("guard")
def test_while_an_end_is_told_its_message_keeps_its_lease(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    mine: Any = Request.__new__(Request)
    mine._message = message_to("default", b"")
    consumer: Any = SimpleNamespace(task_buckets={})
    known: list[set[str]] = []
    monkeypatch.setattr(CeleryRequest, end, lambda *_: known.append(known_tags(consumer)))

    getattr(mine, end)(False, 1.0)  # noqa: FBT003 - Celery's

    assert known == [{"tag"}]
    assert known_tags(consumer) == set()


def test_a_thread_that_fails_beside_its_task_tells_the_request() -> None:
    told: list[Any] = []
    with ThreadPoolExecutor(1) as pool:

        def apply(**_: Any) -> Any:
            return SimpleNamespace(f=pool.submit(failing))

        keeping(apply)(error_callback=told.append)

    assert "no options" in str(told[0].exception)
