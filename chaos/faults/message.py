"""Faults of messages and their producers: too large, to nowhere, unknown, twice."""

import json
from dataclasses import dataclass
from typing import ClassVar

from chaos.deed import NEWER_TASK
from chaos.faults.fault import Fault
from chaos.field import Field
from chaos.processes import wait_for
from chaos.record import Excuses

_BLOB_BYTES = 50 * 1024 * 1024
_FILL = 40


@dataclass
class HugePayload(Fault):
    """A message of 50 MB."""

    number: ClassVar[int] = 17
    name: ClassVar[str] = "payload of 50 MB"
    lasts_s: ClassVar[float] = 5.0

    def inject(self, stage: Field) -> None:
        stage.publisher.send_now("huge", "fast", 0.05, blob_bytes=_BLOB_BYTES)


@dataclass
class MisspeltQueue(Fault):
    """A producer names a queue that no worker has."""

    number: ClassVar[int] = 20
    name: ClassVar[str] = "misspelt queue"

    def inject(self, stage: Field) -> None:
        for _ in range(3):
            stage.publisher.send_now("misspelt", "fast", 0.05, to="fsat")


@dataclass
class NewerProducer(Fault):
    """A producer is deployed before the workers that know its task."""

    number: ClassVar[int] = 21
    name: ClassVar[str] = "task unknown to workers"

    def inject(self, stage: Field) -> None:
        for _ in range(3):
            stage.publisher.send_now("newer", "fast", 0.05, task=NEWER_TASK)


@dataclass
class DeliveredTwice(Fault):
    """A waiting message is copied, byte for byte."""

    number: ClassVar[int] = 22
    name: ClassVar[str] = "message copied"

    def choose(self, stage: Field) -> None:
        for _ in range(_FILL):
            stage.publisher.send_now("plain", "fast", 0.2)

    def inject(self, stage: Field) -> None:
        with stage.brokers.messages.client() as client:
            waiting = wait_for(lambda: client.lrange("fast", 0, 2), 10, "messages wait")
            self.excuses = Excuses(
                ids=tuple(json.loads(text)["headers"]["id"] for text in waiting), overlaps=True
            )
            client.rpush("fast", *waiting)
