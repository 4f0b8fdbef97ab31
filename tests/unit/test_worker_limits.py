"""Every message carries its queue's limits, however it is published."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, group, signals
from celery.beat import Scheduler
from celery.exceptions import Retry
from kombu.transport.memory import Channel

from tests.unit.worker_stage import document, load
from worker_image.declared import QueueSettings
from worker_image.factory import build_app, fleet_router
from worker_image.limits import settled
from worker_image.settings import SettingsError

WORK = "worker_image.tasks.canary.work"
LIMITS = {"default": (20, 30), "labeling": (1500, 1800)}
QUEUE = QueueSettings(softTimeLimitSeconds=20, timeLimitSeconds=30)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """The fleet's app on a broker in memory, its publishing signal as in a process of the fleet."""
    told = document()
    for queue, (soft, hard) in LIMITS.items():
        told["queues"][queue] |= {"softTimeLimitSeconds": soft, "timeLimitSeconds": hard}
    settings = load(tmp_path, told)
    monkeypatch.setattr(signals.before_task_publish, "receivers", [])
    monkeypatch.setattr(Channel, "queues", {})
    app = build_app(settings)
    app.backend_cls = "disabled://"  # a group would subscribe to its results
    memory = {"broker_write_url": "memory://", "broker_transport": "memory"}
    app.conf.update(**memory, broker_use_ssl=None, broker_transport_options={})
    app.loader.import_default_modules()
    router = fleet_router(settings, app)
    signals.before_task_publish.connect(router.settle, weak=False)
    yield app
    app.close()


def sent(app: Celery, queue: str) -> list[list[float]]:
    """Limits of the messages in a queue, oldest first."""
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        messages = iter(lambda: channel.basic_get(queue, no_ack=True), None)
        return [message.headers["timelimit"] for message in messages]


def beat(app: Celery) -> None:
    entry = {"task": WORK, "schedule": 60.0, "options": {"queue": "default"}}
    app.conf.beat_schedule = {"work": entry}
    scheduler = Scheduler(app, lazy=True)
    scheduler.setup_schedule()
    scheduler.apply_async(scheduler.schedule["work"], advance=False)


def retry(app: Celery) -> None:
    task = app.tasks[WORK]
    task.push_request(id="1", called_directly=False, args=[], kwargs={}, retries=0)
    with pytest.raises(Retry):
        task.retry(countdown=1)
    task.pop_request()


def a_chain(app: Celery) -> None:
    work = app.tasks[WORK]
    chain(work.si(seconds=0), work.si(seconds=1)).apply_async()


PATHS: dict[str, Callable[[Celery], Any]] = {
    "apply_async": lambda app: app.tasks[WORK].apply_async(kwargs={"seconds": 0}),
    "send_task": lambda app: app.send_task(WORK, kwargs={"seconds": 0}),
    "beat": beat,
    "retry": retry,
    "chain": a_chain,
    "group": lambda app: group([app.tasks[WORK].s(seconds=0)]).apply_async(),
    "larger": lambda app: app.send_task(WORK, time_limit=900, soft_time_limit=800),
}


@pytest.mark.parametrize("path", PATHS)
def test_by_whatever_path_a_message_carries_its_queues_limits(app: Celery, path: str) -> None:
    PATHS[path](app)

    assert sent(app, "default") == [[30, 20]]


def test_the_queue_that_the_caller_names_decides_the_limits(app: Celery) -> None:
    app.send_task(WORK, kwargs={"seconds": 0}, queue="labeling")

    assert sent(app, "labeling") == [[1800, 1500]]
    assert sent(app, "default") == []


def test_a_smaller_limit_of_the_callers_is_kept(app: Celery) -> None:
    app.send_task(WORK, time_limit=25, soft_time_limit=15)

    assert sent(app, "default") == [[25, 15]]


@pytest.mark.parametrize(
    ("asked", "limits"),
    [
        (None, [30, 20]),
        ((None, None), [30, 20]),
        ((0, 0), [30, 20]),
        ((-1, -1), [30, 20]),
        ((60, 40), [30, 20]),
        ((None, 5), [30, 5]),
        ((25, None), [25, 20]),
        ((1.5, 0.5), [1.5, 0.5]),
        # Celery would wait for the soft limit before it looks at the hard one.
        ((10, None), [10, 9]),
        ((10, 15), [10, 9]),
        ((1, None), [1, 0.5]),
    ],
)
def test_the_shorter_of_the_callers_and_the_queues_limit_holds(
    asked: object, limits: list[float]
) -> None:
    assert settled(asked, QUEUE) == limits


def test_a_long_task_gets_a_twentieth_of_its_limit_to_put_things_in_order() -> None:
    long = QueueSettings(softTimeLimitSeconds=3599, timeLimitSeconds=3600)

    assert settled(None, long) == [3600, 3420]


def test_limits_that_would_kill_before_they_warn_are_refused(tmp_path: Path) -> None:
    told = document()
    told["queues"]["default"] |= {"softTimeLimitSeconds": 30, "timeLimitSeconds": 30}

    with pytest.raises(SettingsError, match=r"default: softTimeLimitSeconds 30 is not below"):
        load(tmp_path, told)
