"""Faults of the broker, of the way to it, and of the result store."""

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import redis

from chaos.arms import VISIBILITY_S
from chaos.broker import PASSWORD, Server
from chaos.faults.fault import Fault
from chaos.faults.process import busy_worker, ready_worker
from chaos.field import CUTTABLE, Field
from chaos.ledger import now
from chaos.processes import wait_for
from chaos.record import Excuses
from chaos.rest import dead_letters

_OUTAGE_S = 3.0
_FAILOVER_S = 6.0
_FULL_S = 5.0
_SYNC_S = 20.0
_START_S = 40.0
_WAITING = 40


@dataclass
class BrokerKilled(Fault):
    """SIGKILL, and a start on what its append-only file holds, fsync each second."""

    number: ClassVar[int] = 6
    name: ClassVar[str] = "broker killed, AOF"
    touches_all: ClassVar[bool] = True
    lasts_s: ClassVar[float] = _OUTAGE_S
    # What was answered for and not yet written: a write waits up to two seconds for an fsync that
    # is under way (Redis, aof.c, flushAppendOnlyFile).
    excuses: Excuses = field(default_factory=lambda: Excuses(publishes_s=2.0, takes_s=2.0))

    def choose(self, stage: Field) -> None:
        busy_worker(stage)

    def inject(self, stage: Field) -> None:
        stage.brokers.messages.kill()

    def heal(self, stage: Field) -> None:
        stage.brokers.messages.start()


@dataclass
class BrokerForgets(BrokerKilled):
    """SIGKILL, and a start with nothing: what a broker without persistence comes back with."""

    number: ClassVar[int] = 7
    name: ClassVar[str] = "broker killed, nothing kept"
    alone: ClassVar[bool] = True

    def inject(self, stage: Field) -> None:
        # No worker can mend that: what waited is gone, and the ledger counts it.
        with stage.brokers.messages.client() as client:
            parked = tuple(dead_letters(client))
        self.excuses = Excuses(publishes_s=now() - stage.episode_began_at, parked=parked)
        super().inject(stage)
        stage.brokers.messages.forget()


@dataclass
class Failover(Fault):
    """The primary turns replica of its own replica, and primary again: writes are refused."""

    number: ClassVar[int] = 8
    name: ClassVar[str] = "failover, 6 s read-only"
    touches_all: ClassVar[bool] = True
    lasts_s: ClassVar[float] = _FAILOVER_S
    # Asynchronous replication may lose the last writes.
    excuses: Excuses = field(default_factory=lambda: Excuses(publishes_s=1.0, takes_s=1.0))
    other: Server | None = None

    def choose(self, stage: Field) -> None:
        self.other = Server("replica", stage.processes)
        self.other.start()
        own = stage.brokers.messages
        _follow(self.other, own)
        busy_worker(stage)

    def inject(self, stage: Field) -> None:
        assert self.other is not None  # noqa: S101 - chosen before
        with self.other.client() as client:
            client.replicaof("NO", "ONE")
        with stage.brokers.messages.client() as client:
            client.replicaof("127.0.0.1", self.other.port)

    def heal(self, stage: Field) -> None:
        assert self.other is not None  # noqa: S101 - chosen before
        with stage.brokers.messages.client() as client:
            wait_for(lambda: _linked(client), _SYNC_S, "the old primary follows")
            client.replicaof("NO", "ONE")
        self.other.kill()


@dataclass
class ConnectionsKilled(Fault):
    """Every connection is closed at once, by the server; it is there again at once."""

    number: ClassVar[int] = 9
    name: ClassVar[str] = "CLIENT KILL"
    touches_all: ClassVar[bool] = True
    strikes: ClassVar[int] = 2

    def choose(self, stage: Field) -> None:
        busy_worker(stage)

    def inject(self, stage: Field) -> None:
        with stage.brokers.messages.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


@dataclass
class Partitioned(Fault):
    """One worker is cut off for longer than the visibility timeout, and comes back.

    Its long task goes on, is delivered again to a worker with a free slot, and runs twice at once.
    """

    number: ClassVar[int] = 10
    name: ClassVar[str] = "one worker cut off > VT"
    lasts_s: ClassVar[float] = VISIBILITY_S + 16.0
    excuses: Excuses = field(default_factory=lambda: Excuses(victims=True, overlaps=True))

    def choose(self, stage: Field) -> None:
        self.aim(ready_worker(stage, CUTTABLE))
        sent: list[str] = []
        while not _runs_any(stage, self.victims[0], sent):
            sent.append(stage.publisher.send_now("held", "fast", VISIBILITY_S * 3.0))
            wait_for(lambda: _runs_last(stage, sent), _START_S, "a long task has started")

    def inject(self, stage: Field) -> None:
        for endpoint in (stage.brokers.cuttable, stage.brokers.cuttable_results):
            endpoint.cut()

    def heal(self, stage: Field) -> None:
        for endpoint in (stage.brokers.cuttable, stage.brokers.cuttable_results):
            endpoint.mend()


@dataclass
class BrokerFull(Fault):
    """The broker is at its memory limit and refuses to grow."""

    number: ClassVar[int] = 18
    name: ClassVar[str] = "broker at maxmemory"
    touches_all: ClassVar[bool] = True
    lasts_s: ClassVar[float] = _FULL_S

    def choose(self, stage: Field) -> None:
        # They wait as it happens: workers go on to take messages.
        for _ in range(_WAITING):
            stage.publisher.send_now("plain", "fast", 0.2)
        stage.publisher.flush()

    def inject(self, stage: Field) -> None:
        _limit(stage.brokers.messages, "1")

    def heal(self, stage: Field) -> None:
        _limit(stage.brokers.messages, "0")


@dataclass
class ResultsAway(Fault):
    """The result store is full, and then down."""

    number: ClassVar[int] = 19
    name: ClassVar[str] = "result store full, down"
    lasts_s: ClassVar[float] = _FULL_S

    def inject(self, stage: Field) -> None:
        _limit(stage.brokers.results, "1")
        time.sleep(_FULL_S)
        stage.brokers.results.kill()

    def heal(self, stage: Field) -> None:
        stage.brokers.results.start()


def _limit(server: Server, memory_bytes: str) -> None:
    with server.client() as client:
        client.config_set("maxmemory", memory_bytes)


def _follow(follower: Server, primary: Server) -> None:
    with follower.client() as client:
        client.config_set("masterauth", PASSWORD)
        client.replicaof("127.0.0.1", primary.port)
        wait_for(lambda: _linked(client), _SYNC_S, "the replica follows")


def _linked(client: "redis.Redis") -> bool:
    return client.info("replication").get("master_link_status") == "up"


def _runs_any(stage: Field, worker: str, sent: Container[str]) -> bool:
    return any(one.worker == worker and one.id in sent for one in stage.starts())


def _runs_last(stage: Field, sent: Sequence[str]) -> bool:
    return any(one.id == sent[-1] for one in stage.starts())
