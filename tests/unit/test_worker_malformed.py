"""Whatever lies in a list is a message, or is refused with one error; nothing of it is run."""

import json
import logging
import pickle
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from hypothesis import given, settings
from hypothesis import strategies as st
from kombu.exceptions import DecodeError
from kombu.transport import virtual
from kombu.utils.json import dumps

from chaos.fuzz import payloads
from chaos.fuzz.messages import Maker
from chaos.fuzz.tasks import TASK
from tests.unit.malformed_stage import WORK, Channel, reason, refusal, taken, valid
from tests.unit.worker_stage import load
from worker_image import dead_letters, logs, queues
from worker_image.factory import build_app
from worker_image.malformed import (
    KEPT_BYTES,
    MESSAGE_MAX_BYTES,
    MalformedError,
    letter_id,
    letter_of,
    shown,
)
from worker_image.transport import broadcast, held

NUMBERS = st.integers(0, 10**9)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(1, tmp_path / "marker", (WORK,))


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    app = build_app(load(tmp_path))
    app.loader.import_default_modules()
    return app


@settings(max_examples=200, deadline=None)
@given(number=NUMBERS, seed=NUMBERS)
def test_any_message_of_the_fuzz_is_taken_or_refused_in_words(number: int, seed: int) -> None:
    made = Maker(seed, Path("/nonexistent/marker"), (WORK,)).make(number)

    why = reason(made.item)

    assert made.ends != "done" or why is None
    assert made.ends != "parked" or why is not None or made.kind == "unknown tasks"
    assert why is None or (why.isprintable() and len(why) < 400)


@pytest.mark.parametrize(
    "many", ["\U0001f600" * 300, ["\U0001f600" * 300] * 9, {"\U0001f600" * 99: 1}]
)
def test_what_is_quoted_is_short_whatever_its_characters_take(many: object) -> None:
    told = shown(many)

    assert told.isprintable()
    assert 10 < len(told) <= 3 * 80 * 1.5 + 5
    assert "..." in told


@settings(max_examples=200, deadline=None)
@given(item=st.binary(max_size=300))
def test_any_bytes_are_refused_and_become_a_letter(item: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        taken(item)

    letter = letter_of(item, "default", str(refused.value))
    assert dead_letters.parsed("default", letter.task_id, letter.model_dump_json()) == letter
    assert letter.task_id == letter_id(item)


@settings(max_examples=200, deadline=None)
@given(told=JSON)
def test_any_json_among_held_messages_broadcasts_letters_and_waiting_ones_is_read(
    told: object,
) -> None:
    text = json.dumps(told)
    with pytest.raises(MalformedError):
        held.read(text.encode())
    with pytest.raises(MalformedError):
        broadcast.check(told)
    letter = dead_letters.parsed("default", "t1", text)
    assert letter.reason.startswith("malformed: this record is no dead letter")
    json.dumps(letter.model_dump(mode="json"), allow_nan=False)
    queues._oldest_s([text, json.dumps({"headers": {"fleet_published_at": told}})])
    assert isinstance(queues._queue_of(text), str | None)
    assert queues._queue_of(json.dumps([told, "", "default"])) == "default"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_loaded_by_nobody(maker: Maker, protocol: int) -> None:
    """The marker is what a loaded one leaves; here it is shown that it would."""
    code = pickle.dumps(payloads._Touch(str(maker.marker)), protocol)
    for kind in ("application/x-python-serialize", "application/data", "application/json"):
        message = {**valid(), "content-type": kind, "body": payloads.encoded(code)}
        assert "its content-type is" in refusal(message) or kind == "application/json"
    assert not maker.marker.exists()

    pickle.loads(code)  # noqa: S301 - our own, to show that it would
    assert maker.marker.exists()


def test_the_app_decodes_nothing_but_json(app: Celery) -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_accept_content in (None, ["json"])
    message: Any = virtual.Message({**valid(), "body": "gA=="}, channel=Channel())
    message.accept = {"application/json"}
    with pytest.raises(DecodeError):
        message.decode()


@pytest.mark.parametrize(
    "options", [{}, {"countdown": 5, "expires": 60}, {"time_limit": 9, "soft_time_limit": 8}]
)
def test_what_celery_publishes_is_taken(app: Celery, options: dict[str, Any]) -> None:
    task = app.tasks[WORK].si(seconds=1)
    after = [chain(task, group(task, task)), chord([task, task], task), task.set(link=task.clone())]

    made = app.amqp.as_task_v2(
        *("1", WORK),
        kwargs={"seconds": 1},
        callbacks=after,
        errbacks=[task],
        chain=after,
        **options,
    )

    told = valid(**made.headers)
    told["body"] = payloads.encoded(dumps(made.body).encode())
    assert made.headers.keys() <= valid().keys() | told["headers"].keys()
    assert taken(json.dumps(told).encode()).payload[1] == {"seconds": 1}


@pytest.mark.parametrize("method", ["zlib", "bzip2", "lzma"])
def test_a_bomb_is_not_unpacked(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "BOMB_BYTES", 20 * 1024 * 1024)
    payloads.bomb.cache_clear()
    message = {**valid(compression=method), "body": payloads.encoded(payloads.bomb(method))}
    payloads.bomb.cache_clear()

    assert f"unpacks to {MESSAGE_MAX_BYTES} or more" in refusal(message)


def test_an_honest_compressed_body_is_taken() -> None:
    body = zlib.compress(json.dumps([[], {"number": 1}, {}]).encode())

    message = taken(
        json.dumps({**valid(compression="gzip"), "body": payloads.encoded(body)}).encode()
    )

    assert message.payload[1] == {"number": 1}


def test_a_long_message_is_kept_by_its_beginning() -> None:
    letter = letter_of(b"x" * (KEPT_BYTES + 1), "default", "why")

    assert letter.message == {
        "malformed": "x" * KEPT_BYTES,
        "bytes": KEPT_BYTES + 1,
        "whole": False,
    }


def test_log_lines_bear_headers_that_are_no_text() -> None:
    message = SimpleNamespace(headers={"id": 5, "task": 1.5}, delivery_info={"routing_key": []})
    line = logging.LogRecord("x", logging.INFO, "", 1, "told", (), None)

    with logs.about(message):
        told = json.loads(logs.JsonFormatter("pod").format(line))

    assert (told["message"], told["task_id"], told["task"], told["queue"]) == ("told", *[None] * 3)


def test_the_same_seed_and_number_make_the_same_message(maker: Maker) -> None:
    kinds = {maker.make(number).kind for number in range(3000)}

    assert len(kinds) >= 16
    assert maker.make(77) == maker.make(77) != maker.make(78)
    assert taken(maker.make(0).item).headers["task"] == TASK
