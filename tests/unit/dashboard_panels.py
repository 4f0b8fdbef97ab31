"""Dashboards taken apart again: panels, expressions, names of metrics."""

import json
import re
from collections.abc import Iterator
from typing import Any

from infra.dashboards import documents
from infra.models.fleet import FleetConfig

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_METRIC = re.compile(r"\b((?:fleet|redis|keda|kube|DCGM)_\w+|up|ALERTS)\b")


def parsed(config: FleetConfig, stack: str = "x") -> dict[str, Any]:
    """Grafana's document of each dashboard, by its name."""
    files = documents(config, stack).items()
    return {name.removesuffix(".json"): json.loads(text) for name, text in files}


def panels(document: Any) -> list[Any]:
    """Those that show something."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def expressions(config: FleetConfig, stack: str = "x") -> Iterator[tuple[str, str]]:
    """Where each expression is, and what it is."""
    for name, document in parsed(config, stack).items():
        for panel in panels(document):
            for target in panel["targets"]:
                yield f"{name}/{panel['title']}/{target['refId']}", target["expr"]


def metrics(expression: str) -> set[str]:
    """Names of the metrics that an expression reads."""
    return set(_METRIC.findall(_STRING.sub('""', expression)))
