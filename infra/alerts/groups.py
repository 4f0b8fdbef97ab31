"""All alert rules of one stack, in groups."""

from infra.alerts.broker import broker_rules
from infra.alerts.nodes import node_rules
from infra.alerts.queues import queue_rules
from infra.alerts.rule import Group, Series
from infra.alerts.scalers import scaler_rules
from infra.alerts.singles import single_rules
from infra.alerts.watching import watching_rules
from infra.models.fleet import FleetConfig

_CONCERNS = {
    "queues": queue_rules,
    "scalers": scaler_rules,
    "beat-and-janitor": single_rules,
    "broker": broker_rules,
    "nodes": node_rules,
    "exporters": watching_rules,
}


def alert_groups(config: FleetConfig) -> tuple[Group, ...]:
    """Every rule that the stack's queues, workers, broker and nodes ask for."""
    series = Series(config.namespace)
    return tuple(
        Group(f"{config.namespace}-{name}", tuple(rules(config, series)))
        for name, rules in _CONCERNS.items()
    )
