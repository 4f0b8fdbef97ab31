"""Every fault that needs no cluster, by its number."""

from collections.abc import Mapping

from chaos.faults.beat import BeatKilled
from chaos.faults.broker import (
    BrokerForgets,
    BrokerFull,
    BrokerKilled,
    ConnectionsKilled,
    Failover,
    Partitioned,
    ResultsAway,
)
from chaos.faults.fault import Fault
from chaos.faults.message import DeliveredTwice, HugePayload, MisspeltQueue, NewerProducer
from chaos.faults.process import (
    Frozen,
    KilledInDrain,
    KilledMidTask,
    OutOfMemory,
    Poison,
    WrongClock,
)

_IN_ORDER: tuple[type[Fault], ...] = (
    KilledMidTask,
    Frozen,
    BeatKilled,
    OutOfMemory,
    KilledInDrain,
    WrongClock,
    Poison,
    HugePayload,
    MisspeltQueue,
    NewerProducer,
    DeliveredTwice,
    Partitioned,
    ResultsAway,
    ConnectionsKilled,
    BrokerKilled,
    Failover,
    BrokerFull,
    BrokerForgets,
)
LOCAL: Mapping[int, type[Fault]] = {kind.number: kind for kind in _IN_ORDER}
SHORT: Mapping[int, type[Fault]] = {
    number: kind for number, kind in LOCAL.items() if not kind.alone
}
"""Those that wait for no rest before them."""

__all__ = ["LOCAL", "SHORT", "Fault"]
