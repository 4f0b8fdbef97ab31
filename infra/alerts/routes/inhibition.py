"""Which alerts are silent while another one fires: symptoms while their cause is told.

A ticket never silences a page: whoever sleeps would hear of neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.models.fleet import FleetConfig
from infra.names import worker_object

# What reads the janitor's counts; without it they stand still, or are not there.
_COUNTED = (
    "CeleryQueueBacklog",
    "CeleryQueueStalled",
    "CeleryQueueUnserved",
    "CeleryCampaignIdle",
    "CeleryListUnowned",
    "CeleryWorkerAtMaximum",
)
_LATE = ("CeleryQueueWaitFastBurn", "CeleryQueueWaitSlowBurn")
# What follows from a broker that is away. Not its own alerts: they may say why it went; nor what
# was parked or paused, which is so whether it answers or not.
_WITHOUT_BROKER = (
    *_COUNTED,
    *_LATE,
    "CeleryQueueFailures",
    "CeleryQueueRedeliveries",
    "CeleryJanitorSilent",
    "CeleryBeatAbsent",
    "CeleryScheduleNotSent",
    "KedaScalerErrors",
    "KedaScalerSlow",
)


@dataclass(frozen=True)
class Matcher:
    """A label, and the values of which it has to have one."""

    label: str
    values: tuple[str, ...]

    @property
    def operator(self) -> str:
        """As Alertmanager writes it."""
        return "=" if len(self.values) == 1 else "=~"

    @property
    def value(self) -> str:
        """The value, or a pattern of all."""
        if len(self.values) == 1:
            return self.values[0]
        # A dot in brackets needs no backslash, which a quoted string would want doubled.
        return "|".join(value.replace(".", "[.]") for value in self.values)


@dataclass(frozen=True)
class Inhibition:
    """While an alert of `cause` fires, those of `silenced` with equal labels tell nobody."""

    cause: tuple[Matcher, ...]
    silenced: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


def inhibitions(config: FleetConfig) -> Iterator[Inhibition]:
    """Every one of a stack; all of them are of its own alerts alone."""
    own = Matcher("namespace", (config.namespace,))
    for each in (*_general(), *_unscraped(config)):
        yield Inhibition((own, *each.cause), (own, *each.silenced), each.equal)


def alert(*names: str) -> Matcher:
    """Alerts of these names."""
    return Matcher("alertname", names)


def _general() -> Iterator[Inhibition]:
    yield Inhibition((alert("RedisDown"),), (alert(*_WITHOUT_BROKER),))
    yield Inhibition((alert("CeleryJanitorSilent"),), (alert(*_COUNTED),))
    yield Inhibition((alert("CeleryBeatAbsent"),), (alert("CeleryScheduleNotSent"),))
    # Nobody serves the queue: that it grows and is late says nothing more.
    yield Inhibition(
        (alert("CeleryQueueUnserved", "CeleryQueueStalled"),),
        (alert("CeleryQueueBacklog", *_LATE),),
        ("queue",),
    )
    yield Inhibition((alert(_LATE[0]),), (alert(_LATE[1]),), ("queue",))
    yield Inhibition((alert("KedaScalerErrors"),), (alert("KedaScalerSlow"),), ("worker",))
    for name, label, worse, bad, equal in (
        ("RedisMemory", "level", "full", "high", ()),
        ("ImagePull", "pull", "failing", "slow", ("node_group",)),
    ):
        yield Inhibition(
            (alert(name), Matcher(label, (worse,))), (alert(name), Matcher(label, (bad,))), equal
        )


def _unscraped(config: FleetConfig) -> Iterator[Inhibition]:
    """A worker that Prometheus does not reach looks idle."""
    for name, worker in config.workers.items():
        yield Inhibition(
            (alert("ExporterDown"), Matcher("exporter", (worker_object(name),))),
            (alert("CeleryCampaignIdle"), Matcher("queue", worker.queues)),
        )
