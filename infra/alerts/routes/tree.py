"""Who is told of which alert, how soon and how often: a route for each urgency, the rest silent."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.alerts.routes.inhibition import Inhibition, inhibitions
from infra.alerts.routes.notice import Notice, notice
from infra.alerts.rule import Severity
from infra.models.fleet import FleetConfig

SILENT = "silent"
"""The receiver of what is neither page nor ticket, or has nobody."""
GROUP_BY = ("alertname", "queue", "worker")


@dataclass(frozen=True)
class Pace:
    """How long a first notice waits for others of its group, and when the group is told again."""

    wait_s: int
    interval_s: int
    """After a change of the group."""
    repeat_s: int
    """While nothing changes."""


# A page waits until what silences it has come too; rules are evaluated every 30 s at most.
_PACES: Mapping[Severity, Pace] = {
    "page": Pace(wait_s=30, interval_s=300, repeat_s=3600),
    "ticket": Pace(wait_s=120, interval_s=1800, repeat_s=24 * 3600),
}


@dataclass(frozen=True)
class Route:
    """Alerts of one urgency, and who hears of them."""

    severity: Severity
    """Also the receiver's name."""
    pace: Pace
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class Routing:
    """Where one stack's alerts go; those of others are not looked at."""

    namespace: str
    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...]


def routing(config: FleetConfig, topic_arn: object = None) -> Routing:
    """Derive where alerts go from `monitoring.receivers`.

    Args:
        config: the stack.
        topic_arn: the stack's own topic of alarms; a string, or what becomes one.

    Raises:
        ValueError: where a receiver is that topic, and it is not given.

    """
    receivers = config.monitoring.receivers
    if receivers.own_topic and topic_arn is None:
        raise ValueError(
            "monitoring.receivers has an sns receiver without topicArn: the stack's own topic has "
            "to be given"
        )
    hearing = {"page": receivers.page, "ticket": receivers.ticket}
    routes = (
        Route(
            severity,
            pace,
            tuple(notice(each, severity, topic_arn, config.region) for each in hearing[severity]),
        )
        for severity, pace in _PACES.items()
        if hearing[severity]
    )
    return Routing(config.namespace, tuple(routes), tuple(inhibitions(config)))
