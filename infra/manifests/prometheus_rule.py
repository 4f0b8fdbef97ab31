"""A stack's alert rules as Prometheus reads them, and what it scrapes for them."""

from collections.abc import Mapping
from typing import Any

import yaml

from infra.alerts import Rule, alert_groups
from infra.alerts.rule import duration
from infra.dashboards.places import dashboard_url
from infra.manifests import Manifest
from infra.manifests.labels import labels, metadata
from infra.models.fleet import FleetConfig
from infra.models.tier import TIERS

_SCRAPE_S = 30
# redis_exporter waits 10 s for a TLS handshake with a broker that hangs, and then tells of it.
SCRAPE_TIMEOUT_S = 20


def prometheus_rule(config: FleetConfig, stack: str) -> Manifest:
    """Spec of the PrometheusRule."""
    return {
        "groups": [
            {"name": group.name, "rules": [_rule(config, stack, rule) for rule in group.rules]}
            for group in alert_groups(config)
        ]
    }


def rule_file(config: FleetConfig, stack: str) -> str:
    """The same rules as a file, for a Prometheus without the operator."""
    rules: Mapping[str, Any] = prometheus_rule(config, stack)
    return yaml.safe_dump(dict(rules), sort_keys=False, width=100)


def pod_monitor(config: FleetConfig) -> Manifest:
    """Spec of the PodMonitor: every pod of the fleet with a port `metrics`."""
    common = labels(config.namespace, "alerts")
    kept = ("app.kubernetes.io/name", "app.kubernetes.io/instance")
    return {
        "selector": {"matchLabels": {key: common[key] for key in kept}},
        "podMetricsEndpoints": [
            {
                "port": "metrics",
                "interval": f"{_SCRAPE_S}s",
                "scrapeTimeout": f"{SCRAPE_TIMEOUT_S}s",
            }
        ],
    }


def monitoring_metadata(config: FleetConfig, name: str) -> Manifest:
    """Metadata of both objects, with the labels by which an operator selects them."""
    meta = metadata(name, config.namespace, "alerts")
    return {**meta, "labels": {**meta["labels"], **config.monitoring.labels}}


def _rule(config: FleetConfig, stack: str, rule: Rule) -> Manifest:
    """One rule; where the tier wakes nobody, everything is a ticket."""
    severity = rule.severity if TIERS[config.tier].pages else "ticket"
    url = dashboard_url(config, rule)
    return {
        "alert": rule.alert,
        "expr": rule.expr,
        "for": duration(rule.for_s),
        "labels": {
            "severity": severity,
            "stack": stack,
            # Most expressions lose it, and routes and inhibitions are of one namespace.
            "namespace": config.namespace,
            **rule.labels,
        },
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": f"{config.monitoring.runbooks_url}/{rule.alert}.md",
            **({"dashboard_url": url} if url else {}),
        },
    }
