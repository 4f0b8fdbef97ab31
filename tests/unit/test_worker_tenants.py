"""How a worker follows its tenants, and takes turns between them."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Queue
from kombu.transport import resolve_transport

from tests.unit.worker_stage import document, fair_document, load
from worker_image import tenant_consumers
from worker_image.conf import transport_options
from worker_image.tenant_consumers import TenantConsumers
from worker_image.tenant_registry import TenantRegistry
from worker_image.transport import TRANSPORT, Transport
from worker_image.transport.turns import Turns


class Registry:
    """Tenants as a test wants them; counts what is asked."""

    queue = "labeling"

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.trouble: Exception | None = None
        self.asked = 0

    def tenants(self) -> list[str]:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self.names

    def retire(self, idle_s: float, at_most: int) -> int:  # noqa: ARG002 - as the registry's
        return 0

    def sweep(self, apart_s: float) -> list[str]:  # noqa: ARG002 - likewise
        return []


class TaskConsumer:
    """Kombu's consumer, as far as it is used."""

    def __init__(self) -> None:
        self.added = {"labeling": Queue("labeling")}
        self.consuming: set[str] = set()

    @property
    def queues(self) -> list[Queue]:
        return list(self.added.values())

    def add_queue(self, queue: Queue) -> None:
        self.added[queue.name] = queue

    def consume(self) -> None:
        self.consuming = set(self.added)

    def cancel_by_queue(self, name: str) -> None:
        del self.added[name]
        self.consuming.discard(name)


class Consumer:
    """Celery's consumer, whose timer and loop are the test's."""

    def __init__(self) -> None:
        self.task_consumer: TaskConsumer | None = TaskConsumer()
        self.timer = SimpleNamespace(
            call_repeatedly=lambda *_: SimpleNamespace(cancel=lambda: None)
        )
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, function: Callable[..., None], *arguments: Any) -> None:
        self.soon.append(lambda: function(*arguments))

    def turn(self) -> None:
        """One turn of the loop."""
        while self.soon:
            self.soon.pop(0)()


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry("acme")
    monkeypatch.setattr(tenant_consumers, "current", lambda: None)
    monkeypatch.setattr(TenantRegistry, "of", classmethod(lambda *_: registry))
    return registry


def look(step: TenantConsumers, consumer: Consumer) -> set[str]:
    step._look(consumer)
    consumer.turn()
    assert consumer.task_consumer is not None
    return consumer.task_consumer.consuming


def test_tenants_are_consumed_from_the_start_and_as_they_come_and_go(
    consumer: Consumer, registry: Registry
) -> None:
    step = TenantConsumers(consumer)
    step.start(consumer)
    consumer.turn()
    assert consumer.task_consumer is not None
    assert consumer.task_consumer.consuming == {"labeling", "labeling.acme"}

    registry.names = ["zorg", "acme"]
    assert look(step, consumer) == {"labeling", "labeling.acme", "labeling.zorg"}

    registry.names = ["zorg"]
    assert look(step, consumer) == {"labeling", "labeling.zorg"}


def test_a_broker_that_does_not_answer_is_told_once_and_left_alone_for_a_while(
    consumer: Consumer, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    step = TenantConsumers(consumer)
    step.start(consumer)
    consumer.turn()
    registry.trouble, registry.asked = redis.ConnectionError("refused"), 0

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert look(step, consumer) == {"labeling", "labeling.acme"}

    assert registry.asked == 1
    assert [record.getMessage() for record in caplog.records] == [
        "tenants not read, again in 5 s: refused"
    ]


def test_a_worker_that_stops_adds_no_consumer_any_more(
    consumer: Consumer, registry: Registry
) -> None:
    step = TenantConsumers(consumer)
    step.start(consumer)
    step.stop(consumer)

    consumer.turn()

    assert consumer.task_consumer is not None
    assert consumer.task_consumer.consuming == set()
    assert registry.asked == 1


@pytest.mark.parametrize(
    ("worker", "follows"), [("labeling", True), ("default", False), ("", False)]
)
def test_only_the_worker_of_a_fair_queue_follows_tenants(
    tmp_path: Path, worker: str, *, follows: bool
) -> None:
    app = Celery(set_as_current=False)
    settings = load(tmp_path, fair_document(), FLEET_WORKER=worker)

    tenant_consumers.connect(settings, app)

    assert (TenantConsumers in app.steps["consumer"]) is follows
    order = transport_options(settings)["queue_order_strategy"]
    assert (order == "worker_image.transport.turns:Turns") is follows


def test_every_process_marks_what_it_sends(tmp_path: Path) -> None:
    options = transport_options(load(tmp_path, fair_document()))

    assert options["fair_queues"] == {"labeling": "fair:labeling:pending"}
    assert transport_options(load(tmp_path, document()))["fair_queues"] == {}
    assert resolve_transport(TRANSPORT) is Transport


def test_turns_survive_tenants_that_come_and_go() -> None:
    turns = Turns()
    turns.update(["own", "a", "b", "c"])
    for served in ("own", "a"):
        turns.rotate(served)

    turns.update(["own", "a", "b", "c", "new"])
    assert turns.consume(9) == ["b", "c", "own", "a", "new"]

    turns.update(["own", "a", "c", "new"])
    assert turns.consume(9) == ["c", "own", "a", "new"]


def test_nobody_starves_while_others_come_and_go() -> None:
    turns, served = Turns(), []
    for moment in range(40):
        lists = ["a", "b", "c", "d", *(["guest"] if moment % 2 else [])]
        turns.update(lists)
        served.append(turns.rotate(turns.consume(9)[0]))

    assert min(served.count(name) for name in "abcd") >= 7
