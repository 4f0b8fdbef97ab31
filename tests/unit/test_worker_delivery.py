"""How messages are delivered, as settings and options say, and what the scripts are told."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from kombu import Connection

from tests.unit.worker_stage import document, load
from worker_image import leases
from worker_image.conf import transport_options
from worker_image.leases import Leases
from worker_image.transport import Channel, Transport
from worker_image.transport.fetch import queue_words
from worker_image.transport.lease_channel import LeaseChannel
from worker_image.transport.wake import woken
from worker_image.transport.words import Words

FAIR = {"fair": "fair:pending"}


def test_commands_are_told_as_words_behind_the_key_prefix() -> None:
    words = Words("p:")
    words.zadd("wake", {"1": 0})
    words.lpush("list", "message")

    assert words.told == [4, "zadd", "p:wake", 0, "1", 3, "lpush", "p:list", "message"]
    assert words.pushes == 1


def test_a_script_is_told_each_queue_once_with_all_its_lists() -> None:
    lists = {"a": ["a", "a:3"], "fair.x": ["fair.x"], "fair": ["fair"], "b": ["b"]}

    assert queue_words(lists, FAIR, "p:") == (
        *("p:fleet:wake:a", "", "2", "p:a", "p:a:3"),
        *("p:fleet:wake:fair", "p:fair:pending", "1", "p:fair"),
        *("p:fleet:wake:b", "", "1", "p:b"),
    )


def test_a_queue_that_passes_leaves_no_key_for_ever() -> None:
    assert [name for name, *_ in woken("a", "", FAIR)] == ["zadd"]
    assert [name for name, *_ in woken("a", "reply", FAIR)] == ["zadd", "pexpire"]
    assert woken("fair.x", "", FAIR)[0][1] == "fleet:wake:fair"


@pytest.mark.parametrize(
    ("options", "channel"),
    [({}, LeaseChannel), ({"delivery": "lease"}, LeaseChannel), ({"delivery": "stock"}, Channel)],
)
def test_the_delivery_decides_how_a_channel_consumes(options: Any, channel: type) -> None:
    connection = Connection(
        "redis://", transport="worker_image.transport:Transport", transport_options=options
    )

    assert isinstance(connection.transport, Transport)
    assert connection.transport.Channel is channel


def test_a_delivery_that_does_not_exist_is_refused() -> None:
    connection = Connection(
        "redis://",
        transport="worker_image.transport:Transport",
        transport_options={"delivery": "pigeon"},
    )

    with pytest.raises(ValueError, match="delivery is 'pigeon': neither lease nor stock"):
        assert connection.transport


@pytest.mark.parametrize(("delivery", "leased"), [("lease", True), ("stock", False)])
def test_a_worker_leases_if_its_fleet_does(tmp_path: Path, delivery: str, *, leased: bool) -> None:
    app = Celery(set_as_current=False)
    settings = load(tmp_path, document(delivery=delivery))

    leases.connect(settings, app)

    assert (Leases in app.steps["consumer"]) is leased
    assert transport_options(settings)["delivery"] == delivery


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"redis_version": "7.2.4", "cluster_enabled": 0}, None),
        ({"redis_version": "10.0.1"}, None),
        (
            {"redis_version": "6.2.14", "cluster_enabled": 0},
            "is Redis 6.2.14: delivery 'lease' needs LMPOP",
        ),
        ({"redis_version": "7.2.4", "cluster_enabled": 1}, "is a Redis Cluster"),
    ],
)
def test_a_server_that_cannot_serve_leases_is_refused(info: Any, told: str | None) -> None:
    server: Any = SimpleNamespace(info=lambda *_: info)
    found = leases.unsupported(server)

    assert (found is None) if told is None else told in str(found)


def test_a_message_on_its_way_is_read_although_no_slot_is_free() -> None:
    poller = Connection("redis://", transport="worker_image.transport:Transport").transport.cycle
    read: list[str] = []
    channel = SimpleNamespace(
        fetching=True,
        handlers={"BRPOP": lambda: read.append("message")},
        qos=SimpleNamespace(can_consume=lambda: False),
    )
    poller._fd_to_chan[7] = (channel, "BRPOP")

    poller.on_readable(7)
    poller._pause_brpop(channel, 7)

    assert read == ["message"]
    assert poller._paused_brpop == {}
