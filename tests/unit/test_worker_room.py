"""How many messages a queue may hold: what is counted, who is refused, what every tier states."""

import json
from pathlib import Path
from typing import Any

import pytest
from kombu.utils.json import dumps

from infra.manifests.settings import settings_document
from tests.unit.preview_stage import preview
from tests.unit.recorder import imagineer
from tests.unit.worker_stage import document, fair_document, load
from worker_image.conf import transport_options
from worker_image.room import ROOM, QueueFullError, Room, rooms
from worker_image.write_once import Record, write_once

RECORD = Record("p:mark", "1", 180)
ROOM_OF_TWO = Room("labeling", 2, (("LLEN", "labeling"), ("HLEN", "unacked:labeling")))


class Server:
    """Answers as the script does."""

    def __init__(self, told: object) -> None:
        self._told = told
        self.words: tuple[object, ...] = ()

    def execute_command(self, *words: object) -> object:
        self.words = words
        return self._told


def bounded(told: dict[str, Any], most: int = 2) -> dict[str, Any]:
    told["queues"]["labeling"]["maxMessages"] = most
    return told


def test_a_queues_waiting_and_held_messages_are_counted(tmp_path: Path) -> None:
    settings = load(tmp_path, bounded(document()))

    assert transport_options(settings)[ROOM] == {
        "labeling": Room(
            "labeling",
            2,
            (
                *(("LLEN", name) for name in ("labeling", "labeling:3", "labeling:6")),
                ("LLEN", "labeling:9"),
                ("HLEN", "unacked:labeling"),
            ),
        )
    }


def test_the_options_can_be_told_by_celery_inspect(tmp_path: Path) -> None:
    """A worker answers to `stats` with all of them, as JSON."""
    options = transport_options(load(tmp_path, bounded(document())))

    assert json.loads(dumps(options))[ROOM]["labeling"][:2] == ["labeling", 2]


def test_of_a_fair_queue_all_tenants_messages_are_counted(tmp_path: Path) -> None:
    settings = load(tmp_path, bounded(fair_document()))

    (room,) = rooms(settings.fleet).values()
    assert room.counted == (("HLEN", "fair:labeling:pending"), ("HLEN", "unacked:labeling"))


def test_a_queue_without_a_limit_counts_nothing(tmp_path: Path) -> None:
    server = Server(b"1")

    assert transport_options(load(tmp_path))[ROOM] == {}
    assert write_once(server, RECORD, "p:", ["words"], None) == "1"
    assert server.words[2:] == (1, "p:mark", "1", 180, 0, 0, "words")


def test_keys_are_counted_behind_the_prefix_and_before_the_message() -> None:
    server = Server(b"1")

    write_once(server, RECORD, "p:", ["words"], ROOM_OF_TWO)

    counted = ("LLEN", "p:labeling", "HLEN", "p:unacked:labeling")
    assert server.words[3:] == ("p:mark", "1", 180, 2, 2, *counted, "words")


def test_a_full_queue_tells_its_sender_what_it_holds_and_which_key_says_so() -> None:
    with pytest.raises(QueueFullError) as refused:
        write_once(Server(2), RECORD, "", [], ROOM_OF_TWO)

    assert str(refused.value) == (
        "queue 'labeling' holds 2 messages, and may hold 2 (queues.labeling.maxMessages): nothing "
        "was sent; send it again once workers have caught up"
    )


def most(told: str) -> set[int | None]:
    return {queue["maxMessages"] for queue in json.loads(told)["queues"].values()}


def test_a_previews_queues_are_bounded_and_no_others() -> None:
    assert most(settings_document(imagineer())) == {None}
    assert most(settings_document(preview("local"))) == {1000}


@pytest.mark.parametrize(("stated", "told"), [(10, 10), (50_000, 1000)])
def test_what_a_base_states_makes_a_previews_bound_tighter_and_never_wider(
    stated: int, told: int
) -> None:
    config = preview("local")
    queue = config.queues["scraping"].model_copy(update={"max_messages": stated})
    queues = {**config.queues, "scraping": queue}

    document = settings_document(config.model_copy(update={"queues": queues}))

    assert json.loads(document)["queues"]["scraping"]["maxMessages"] == told
