"""One message for one key: the record that decides, and the commands that are sent with it."""

from typing import Any

import pytest
from kombu.utils.json import dumps

from worker_image.once import (
    MESSAGE_MAX_BYTES,
    Channel,
    KeyReusedError,
    MessageTooLargeError,
    Sending,
    Sent,
    check_arguments,
    in_one_step,
    task_id_under,
)


class Client:
    """Takes what would go to Redis; answers as the script would that finds `held`."""

    def __init__(self, held: str | None = None) -> None:
        self.held = held
        self.commands: list[tuple[Any, ...]] = []

    def execute_command(self, *words: Any) -> str:
        self.commands.append(words)
        return str(self.held or words[4])


class Published(Channel):
    """A channel with no connection, of a fleet with a fair queue and a key prefix."""

    fair_queues = {"scraping": "fair:scraping:pending"}  # noqa: RUF012 - as kombu's are
    global_keyprefix = "p:"
    _expires: dict[str, int] = {}  # noqa: RUF012 - likewise

    def __init__(self, client: Client) -> None:
        self._client = client

    def __del__(self) -> None:
        """Nothing was opened."""

    def conn_or_acquire(self, client: object = None) -> Any:  # noqa: ARG002 - kombu's
        class Lent:
            def __enter__(_) -> Client:  # noqa: N805 - `self` is the outer one
                return self._client

            def __exit__(_, *told: object) -> None:  # noqa: N805 - `self` is the outer one
                pass

        return Lent()


def message(tag: str = "tag-1") -> dict[str, Any]:
    return {"body": "", "headers": {}, "properties": {"delivery_tag": tag, "priority": 0}}


def put(queue: str, held: str | None = None) -> tuple[Sending, Client]:
    client = Client(held)
    begun = Sending("order-7", "request", "id-1")
    with in_one_step(begun):
        Published(client)._put(queue, message())
    return begun, client


def test_message_and_record_go_in_one_command() -> None:
    begun, client = put("default")

    (command,) = client.commands
    assert command[0] == "EVAL"
    assert command[3].startswith("p:fleet:once:")
    assert command[4] == begun.record
    assert command[6:11] == (0, 0, 3, "lpush", "p:default")
    assert begun.settled() == "id-1"


def test_a_fair_queues_marks_go_in_the_same_command() -> None:
    _, client = put("scraping.acme")

    (command,) = client.commands
    words = command[8:]
    hset, zadd = words[:5], words[5:10]
    assert hset[:4] == (4, "hset", "p:fair:scraping:pending", "tag-1")
    assert (zadd[:3], zadd[4]) == ((4, "zadd", "p:fair:scraping:tenants"), "acme")
    assert isinstance(zadd[3], float)
    assert words[10:13] == (3, "lpush", "p:scraping.acme")


def test_a_repeated_request_is_told_the_first_ones_task() -> None:
    first = Sending("order-7", "request", "id-0")

    begun, _ = put("default", held=first.record)

    assert begun.settled() == "id-0"


def test_another_request_under_the_key_is_refused() -> None:
    first = Sending("order-7", "another request", "id-0")

    begun, _ = put("default", held=first.record)

    with pytest.raises(KeyReusedError, match="'order-7' was used for another request"):
        begun.settled()


def test_every_process_names_a_request_under_a_key_alike() -> None:
    assert task_id_under("order-7", "request") == "4bab4b82-46e0-5674-9bdf-2d3711e2f62d"
    told = {task_id_under(key, request) for key in "ab" for request in "ab"}
    assert len(told) == 4


def test_a_mark_is_kept_for_as_long_as_its_message_may_be_sent_again() -> None:
    client = Client()
    with in_one_step(Sent("fleet:sent:1", kept_s=7)):
        Published(client)._put("default", message())

    (command,) = client.commands
    assert command[3:6] == ("p:fleet:sent:1", "1", 7)


def test_arguments_are_too_large_without_a_channel_where_they_are_with_one() -> None:
    rest = len(
        dumps([[], {"text": ""}, dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))])
    )
    largest = "x" * (MESSAGE_MAX_BYTES - rest)
    check_arguments("a.task", {"text": largest})

    with pytest.raises(MessageTooLargeError, match="its arguments are 262145 bytes as JSON"):
        check_arguments("a.task", {"text": f"{largest}x"})


def test_no_text_of_the_callers_becomes_part_of_a_redis_key() -> None:
    assert "*" not in Sending("* \r\n", "request", "id-1").redis_key
    assert Sending("a", "r", "1").redis_key != Sending("b", "r", "1").redis_key
