"""Sending tasks to a real broker that is killed, that answers too late, or that takes no writes."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest
import redis
from celery import Celery, chain
from celery.beat import ScheduleEntry, Scheduler
from kombu.exceptions import OperationalError

from tests.rehearsal.broker_contents import waiting_ids
from tests.rehearsal.relay import PlainBroker, Swallowing
from tests.unit.worker_stage import load
from worker_image import patience
from worker_image.broker import BrokerAwayError
from worker_image.factory import build_app, fleet_router
from worker_image.once import MESSAGE_MAX_BYTES, SENT_KEPT_S, MessageTooLargeError
from worker_image.publish import Publisher, RefusedError, TaskRequest
from worker_image.settings import Settings
from worker_image.transport import TRANSPORT

pytestmark = pytest.mark.rehearsal

WORK = "worker_image.tasks.canary.work"
UPDATE = "worker_image.tasks.quick.update_metadata"
NONE = {"seconds": 0}


@pytest.fixture
def broker(plain: PlainBroker) -> PlainBroker:
    """A broker that tests may kill, in place of the one they share."""
    return plain


@pytest.fixture
def relay(broker: PlainBroker) -> Iterator[Swallowing]:
    relay = Swallowing(broker.port)
    yield relay
    relay.close()


def settings_at(folder: Path, port: int) -> Settings:
    url = f"redis://default:p%2Fw%3Ad@127.0.0.1:{port}"
    return load(folder, CELERY_BROKER_URL=f"{url}/0", CELERY_RESULT_BACKEND=f"{url}/1")


def app_at(folder: Path, port: int) -> Celery:
    app = build_app(settings_at(folder, port))
    app.loader.import_default_modules()
    app.finalize()
    return app


@pytest.fixture
def app(broker: PlainBroker, tmp_path: Path) -> Iterator[Celery]:
    app = app_at(tmp_path, broker.port)
    yield app
    app.pool.force_close_all()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("messages_before", [0, 1])
def test_a_broker_that_is_killed_and_comes_back_is_waited_for(
    broker: PlainBroker, app: Celery, store: "redis.Redis", messages_before: int
) -> None:
    """Kombu's own retries end after 5 s where the publisher was not connected before."""
    before = [app.send_task(WORK, kwargs=NONE).id for _ in range(messages_before)]
    broker.kill()
    back = Timer(20, broker.start)
    back.start()
    began = time.monotonic()

    sent = app.send_task(WORK, kwargs=NONE).id

    back.join()
    assert 20 < time.monotonic() - began < 30
    assert sorted(waiting_ids(store)) == sorted([*before, sent])


def test_a_failover_that_leaves_an_old_primary_is_waited_for(
    app: Celery, store: "redis.Redis"
) -> None:
    """Kombu tries an error that Redis tells again at once: all its tries are over in a moment."""
    store.replicaof("127.0.0.1", 1)
    Timer(4, lambda: store.replicaof("NO", "ONE")).start()

    sent = app.send_task(WORK, kwargs=NONE).id

    assert waiting_ids(store) == [sent]


def test_what_was_written_though_its_answer_was_lost_is_there_once(
    relay: Swallowing, tmp_path: Path, store: "redis.Redis"
) -> None:
    app = app_at(tmp_path, relay.port)
    relay.drop = WORK.encode()

    sent = app.send_task(WORK, kwargs=NONE).id

    assert relay.dropped == 1
    assert waiting_ids(store) == [sent]
    (mark,) = store.keys("fleet:sent:*")
    assert 0 < int(store.ttl(mark)) <= SENT_KEPT_S
    app.pool.force_close_all()


def test_by_kombus_own_channel_it_would_be_there_twice(
    relay: Swallowing, tmp_path: Path, store: "redis.Redis"
) -> None:
    app = app_at(tmp_path, relay.port)
    relay.drop = WORK.encode()
    with app.connection_for_write(transport=TRANSPORT) as connection:
        app.send_task(WORK, kwargs=NONE, connection=connection)

    assert relay.dropped == 1
    assert len(waiting_ids(store)) == 2


def by_name(app: Celery) -> None:
    app.send_task(WORK, kwargs=NONE)


def by_task(app: Celery) -> None:
    app.tasks[WORK].apply_async(kwargs=NONE)


def by_chain(app: Celery) -> None:
    chain(app.tasks[WORK].si(**NONE), app.tasks[WORK].si(**NONE)).apply_async()


def by_beat(app: Celery) -> None:
    entry = ScheduleEntry("tick", WORK, schedule=1, kwargs=NONE, app=app)
    Scheduler(app, lazy=True).apply_async(entry, advance=False)


@pytest.mark.parametrize("send", [by_name, by_task, by_chain, by_beat])
def test_every_path_to_the_broker_writes_once(
    app: Celery, store: "redis.Redis", send: Callable[[Celery], None]
) -> None:
    send(app)

    assert len(waiting_ids(store)) == len(store.keys("fleet:sent:*")) == 1


def test_a_retry_and_a_message_that_is_sent_again_are_messages_of_their_own(
    app: Celery, store: "redis.Redis"
) -> None:
    for retries in (0, 1, 1):
        app.send_task(WORK, kwargs=NONE, task_id="one", retries=retries)

    assert waiting_ids(store) == ["one"] * 3


def test_a_task_too_large_for_a_message_is_refused_whoever_sends_it(
    app: Celery, store: "redis.Redis"
) -> None:
    text = "x" * MESSAGE_MAX_BYTES

    with pytest.raises(MessageTooLargeError, match=r"'worker_image.tasks.canary.work'.* bytes"):
        app.tasks[WORK].apply_async(kwargs={"seconds": text})

    assert waiting_ids(store) == []
    app.send_task(WORK, kwargs={"seconds": text[:-1000]})
    app.send_task(WORK, kwargs={"seconds": text}, retries=1)
    assert len(waiting_ids(store)) == 2


def test_callers_of_the_api_are_told_that_a_task_is_too_large(
    broker: PlainBroker, tmp_path: Path, app: Celery, store: "redis.Redis"
) -> None:
    """A body within the API's limit may be above the message's: JSON escapes what is not ASCII."""
    settings = settings_at(tmp_path, broker.port)
    publisher = Publisher(app, settings.fleet, fleet_router(settings, app))
    told = {"name": "model", "values": {"text": "\u00e9" * (MESSAGE_MAX_BYTES // 4)}}

    with pytest.raises(RefusedError, match="send its name"):
        publisher.publish(TaskRequest(UPDATE, told, queue="default"))

    assert waiting_ids(store) == []


def test_a_broker_that_never_answers_is_given_up_within_bounds(tmp_path: Path) -> None:
    """One that accepts and stays silent: the slowest way of being away."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = settings_at(tmp_path, int(silent.getsockname()[1]))
        app = app_at(tmp_path, int(silent.getsockname()[1]))
        publisher = Publisher(app, settings.fleet, fleet_router(settings, app))

        began = time.monotonic()
        with pytest.raises(BrokerAwayError):
            publisher.publish(TaskRequest(WORK, NONE))
        waited_s = time.monotonic() - began

        began = time.monotonic()
        with pytest.raises(OperationalError):
            app.send_task(WORK, kwargs=NONE, retry=False)
        one_try_s = time.monotonic() - began

    assert waited_s < 10
    assert patience.TRIED_FOR_S + one_try_s < 75
