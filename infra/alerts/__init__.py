"""What is worth telling someone, as Prometheus' alert rules, derived from one stack. Pure."""

from infra.alerts.groups import alert_groups
from infra.alerts.rule import Group, Rule

__all__ = ["Group", "Rule", "alert_groups"]
