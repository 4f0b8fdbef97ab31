"""Fleets under users of their own on one real broker: each does all its work, and sees no other."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chord
from celery.result import AsyncResult
from kombu.exceptions import OperationalError
from redis.exceptions import NoPermissionError

from infra.manifests.aws.access_strings import Workload
from tests.rehearsal.broker_contents import make_due
from tests.rehearsal.fair_stage import SEND
from tests.rehearsal.user_stage import QUEUES, UNKNOWN, WORK, Listener, Restricted
from tests.rehearsal.worker_fleet import Broker, eventually
from worker_image import dead_letters

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(150)]

ONE, OTHER, IDLE = "preview-a:", "preview-b:", "preview-c:"
NONE = {"seconds": 0}
Open = Callable[..., Celery]
# Kombu makes its own of some of the server's errors.
REFUSED = (NoPermissionError, OperationalError)


@pytest.fixture(scope="module")
def stacks(
    broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Restricted, Restricted]]:
    """Two stacks at work on a broker that was empty; the first one has a janitor."""
    folder = tmp_path_factory.mktemp("stacks")
    with broker.client() as client:
        client.flushall()
    found = (
        Restricted(ONE, (OTHER,), folder / "a", broker),
        Restricted(OTHER, (ONE,), folder / "b", broker),
    )
    try:
        found[0].launch_janitor()
        for each in found:
            each.launch()
        for each in found:
            each.wait()
        yield found
    finally:
        for each in found:
            each.fleet.stop()


@pytest.fixture
def idle(broker: Broker, tmp_path: Path) -> Restricted:
    """A stack without processes."""
    return Restricted(IDLE, (ONE, OTHER), tmp_path / "idle", broker)


@pytest.fixture
def stock() -> Iterator[Open]:
    """Opens stock applications as a user of a stack."""
    with ExitStack() as opened:

        def open_as(stack: Restricted, workload: Workload, **conf: object) -> Celery:
            return opened.enter_context(stack.door(workload).stock(stack.prefix, **conf))

        yield open_as


@dataclass
class Shift:
    """What one stack is given to do, and what is heard of it."""

    stack: Restricted
    fleet: Celery
    producer: Celery
    listener: Listener
    results: list[AsyncResult[Any]] = field(default_factory=list)
    parked: str = ""

    @property
    def nodes(self) -> set[str]:
        return {self.stack.node(queue) for queue in QUEUES}

    def send(self) -> None:
        """Send by a stock producer and by the image's own, with priorities and tenants."""
        stack, producer = self.stack, self.producer
        eventually(lambda: self.listener.hosts() >= self.nodes, 30)
        with stack.broker.client() as store:
            make_due(store, "record-disk-usage", stack.prefix)
        step = producer.signature(WORK, kwargs=NONE, queue="default", immutable=True)
        self.results = [step.apply_async(priority=6), chord([step])(step)]
        told = {"count": 2, "tenants": ["acme", "bolt"], "seconds": 0, "queue": "labeling"}
        self.results += map(producer.AsyncResult, stack.publish(SEND.format(**told)))
        self.parked = str(producer.send_task(UNKNOWN, queue="default").id)

    def control(self) -> None:
        """Command its workers, and find them all, and no other's."""
        nodes = self.nodes
        answers = self.fleet.control.ping(timeout=2, limit=len(nodes) + 1)
        assert {node for answer in answers for node in answer} == nodes
        mark = f"never-{self.stack.name}"
        self.fleet.control.revoke(mark)
        asked = self.fleet.control.inspect(timeout=1, limit=len(nodes))
        revoked = {node: [mark] for node in nodes}
        eventually(lambda: asked.revoked() == revoked)

    def finish(self) -> None:
        """Wait for all results, for beat's task, for the dead letter and for the events."""
        for each in self.results:
            assert each.get(timeout=30).keys() == {"slept_seconds"}
        with self.stack.door("fleet").as_user() as client:
            found = eventually(lambda: dead_letters.read(client, self.stack.prefix, "default"))
        assert [letter.task_id for letter in found] == [self.parked]
        ids = {each.id for each in self.results}
        kinds = {"task-sent", "task-received", "task-succeeded", "worker-heartbeat"}
        eventually(lambda: kinds <= self.listener.kinds() and ids <= self.listener.tasks())
        log = self.stack.fleet.log("default")
        eventually(lambda: "record_disk_usage" in log.read_text())


def refusals(broker: Broker) -> list[str]:
    """What the server has refused to users of stacks at work."""
    with broker.client() as client:
        found = client.execute_command("ACL", "LOG")
    told = [f"{each['username']}: {each['reason']} {each['object']}" for each in found]
    return [each for each in told if not each.startswith(IDLE.rstrip(":"))]


def test_two_stacks_do_all_their_work_side_by_side_and_hear_nothing_of_each_other(
    stacks: tuple[Restricted, Restricted], broker: Broker, stock: Open
) -> None:
    one, other = (
        Shift(
            stack,
            stock(stack, "fleet"),
            stock(stack, "producer", task_send_sent_event=True),
            Listener(stock(stack, "fleet")),
        )
        for stack in stacks
    )
    try:
        for step in (Shift.send, Shift.control, Shift.finish):
            for shift in (one, other):
                step(shift)
    finally:
        for shift in (one, other):
            shift.listener.close()

    assert one.listener.hosts() == one.nodes
    assert other.listener.hosts() == other.nodes
    assert one.listener.tasks().isdisjoint(other.listener.tasks())
    for db in (0, 1):
        with broker.client(db) as client:
            keys = client.keys("*")
        assert {str(key).partition(":")[0] for key in keys} == {"preview-a", "preview-b"}
    # Whatever any of their processes sent, it was allowed.
    assert refusals(broker) == []


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda app: app.control.ping(timeout=0.1),
        lambda app: app.control.revoke("some-task"),
        lambda app: app.control.purge(),
        lambda app: app.connection().SimpleQueue("default").get(timeout=0.1),
        lambda app: app.AsyncResult("some-task").forget(),
        lambda app: app.send_task(WORK, queue="unknown"),
    ],
    ids=["inspect", "revoke", "purge", "take", "forget", "unknown queue"],
)
def test_a_stock_producer_is_refused_what_is_not_sending(
    idle: Restricted, stock: Open, forbidden: Callable[[Celery], object]
) -> None:
    with pytest.raises(REFUSED, match=r"[Nn]o permissions"):
        forbidden(stock(idle, "producer", task_default_queue="default"))


def test_a_stack_that_takes_the_prefix_of_another_one_is_refused(idle: Restricted) -> None:
    with idle.door("fleet").stock(OTHER) as app:
        for forbidden in (app.control.ping, lambda: app.send_task(WORK, queue="default")):
            with pytest.raises(REFUSED, match=r"[Nn]o permissions"):
                forbidden()
