"""Publishing to a real primary whose replica lags, stands still, and comes back."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest
from celery import Celery

from benchmarks.durability.failover import pair
from benchmarks.durability.link import Link
from benchmarks.durability.server import Server
from tests.unit.worker_stage import document, load
from worker_image import dead_letters
from worker_image.broker import BrokerAwayError
from worker_image.confirm import Confirming, NotConfirmedError
from worker_image.factory import build_app, fleet_router
from worker_image.once import Sending, Sent, Step
from worker_image.publish import Publisher, TaskRequest
from worker_image.replay_step import Replay
from worker_image.settings import Settings

pytestmark = pytest.mark.rehearsal

WORK = "worker_image.tasks.canary.work"
NONE = {"seconds": 0}
LAG_S = 0.2
WORDS = (3, "lpush", "default", "message")


@pytest.fixture
def primary(tmp_path: Path) -> Server:
    return Server(tmp_path / "primary", {"repl-diskless-sync-delay": "0"})


@pytest.fixture
def servers(primary: Server) -> Iterator[tuple[Server, Link]]:
    """The replica, and the link that it follows the primary over."""
    with pair(primary) as made:
        yield made


@pytest.fixture
def replica(servers: tuple[Server, Link]) -> Server:
    return servers[0]


@pytest.fixture
def stopped(replica: Server) -> Iterator[Callable[[], None]]:
    """A replica that stands still until this is called."""
    assert replica.process is not None
    replica.process.send_signal(signal.SIGSTOP)

    def resume() -> None:
        assert replica.process is not None
        replica.process.send_signal(signal.SIGCONT)

    yield resume
    resume()


def settings_of(folder: Path, primary: Server, confirm_replicas: int) -> Settings:
    url = f"redis://127.0.0.1:{primary.port}"
    told = document(confirmReplicas=confirm_replicas)
    return load(folder, told, CELERY_BROKER_URL=f"{url}/0", CELERY_RESULT_BACKEND=f"{url}/1")


@pytest.fixture
def settings(tmp_path: Path, primary: Server) -> Settings:
    return settings_of(tmp_path, primary, 1)


def app_of(settings: Settings) -> Celery:
    app = build_app(settings)
    app.loader.import_default_modules()
    app.finalize()
    return app


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    app = app_of(settings)
    yield app
    app.pool.force_close_all()


def test_a_publish_returns_once_the_replica_has_the_message(
    servers: tuple[Server, Link], app: Celery
) -> None:
    replica, link = servers
    link.lag_s = LAG_S
    began = time.monotonic()

    sent = app.send_task(WORK, kwargs=NONE)

    assert sent.id in replica.task_ids()
    assert time.monotonic() - began > LAG_S


def test_unless_asked_to_it_returns_before(
    servers: tuple[Server, Link], primary: Server, tmp_path: Path
) -> None:
    replica, link = servers
    app = app_of(settings_of(tmp_path, primary, 0))
    link.lag_s = LAG_S

    sent = app.send_task(WORK, kwargs=NONE)

    assert sent.id in primary.task_ids()
    assert sent.id not in replica.task_ids()
    app.pool.force_close_all()


@pytest.mark.usefixtures("stopped")
def test_a_publish_that_no_replica_confirms_is_an_error(app: Celery) -> None:
    with pytest.raises(NotConfirmedError, match=r"0 replicas .* within 1000 ms"):
        app.send_task(WORK, kwargs=NONE, retry=False)


def test_it_is_tried_until_the_replica_has_it_and_is_there_once(
    app: Celery, replica: Server, primary: Server, stopped: Callable[[], None]
) -> None:
    """A second try is on another connection, of which WAIT alone would know no write."""
    back_s = 4.0
    back = Timer(back_s, stopped)
    back.start()
    began = time.monotonic()

    sent = app.send_task(WORK, kwargs=NONE)

    assert time.monotonic() - began > back_s
    back.join()
    assert replica.task_ids() == {sent.id}
    with primary.client() as client:
        assert client.llen("default") == 1


def test_callers_of_the_api_are_told_and_asking_again_sends_once(
    app: Celery, settings: Settings, primary: Server, stopped: Callable[[], None]
) -> None:
    publisher = Publisher(app, settings.fleet, fleet_router(settings, app))
    asked = TaskRequest(WORK, NONE, idempotency_key="order-7")
    for _ in range(2):
        with pytest.raises(BrokerAwayError, match=r"broker\.confirmReplicas is 1"):
            publisher.publish(asked)
    stopped()

    task_id = publisher.publish(asked).task_id

    with primary.client() as client:
        assert client.llen("default") == 1
    assert primary.task_ids() == {task_id}


def replay() -> Replay:
    return Replay("default", "id-1", "letter", lambda: None)


@pytest.mark.parametrize(
    "step",
    [Sent, lambda: Sending("order-7", "request", "id-1"), replay],
    ids=["message", "callers-key", "replay"],
)
def test_no_step_is_confirmed_by_being_tried_again(
    step: Callable[[], Step], primary: Server, stopped: Callable[[], None]
) -> None:
    with primary.client() as client:
        client.hset(dead_letters.key_of("default"), "id-1", "letter")
        begun = step()
        for _ in range(2):
            with pytest.raises(NotConfirmedError):
                begun.send(Confirming(client, 1), "", WORDS, None)
            client.connection_pool.disconnect()
        stopped()

        begun.send(Confirming(client, 1), "", WORDS, None)

        assert client.llen("default") == 1


@pytest.mark.usefixtures("servers")
def test_a_callers_key_lives_no_longer_for_being_asked_again(primary: Server) -> None:
    begun = Sending("order-7", "request", "id-1")
    with primary.client() as client:
        begun.send(client, "", WORDS, None)
        until = client.pexpiretime(begun.redis_key)
        time.sleep(0.01)

        begun.send(client, "", WORDS, None)

        assert client.pexpiretime(begun.redis_key) == until
