"""A panel as Grafana reads it: queries, units, thresholds, and what each kind draws."""

import math
from collections.abc import Iterable, Iterator
from string import ascii_uppercase
from typing import Any

from infra.dashboards.panel import Kind, Panel, Query, Steps

SOURCE = "datasource"
"""The variable that holds the data source's uid."""

_PROMETHEUS = {"type": "prometheus", "uid": f"${{{SOURCE}}}"}
# What a table or bar shows is now; the others show how it came about.
_INSTANT: tuple[Kind, ...] = ("table", "bargauge")
_LATEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[Kind, dict[str, Any]] = {
    "stat": {
        "reduceOptions": _LATEST,
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
    },
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "bargauge": {
        "reduceOptions": _LATEST,
        "displayMode": "basic",
        "orientation": "horizontal",
        "valueMode": "color",
        "showUnfilled": True,
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}


def panel_document(panel: Panel, runbooks_url: str) -> dict[str, Any]:
    """Return Grafana's JSON of a panel, without its number and place."""
    described, links = _runbooks(panel, runbooks_url)
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": described,
        "links": links,
        "datasource": _PROMETHEUS,
        "targets": [_target(panel, letter, query) for letter, query in _lettered(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _OPTIONS[panel.kind],
        "transformations": _joined(panel) if panel.kind == "table" else [],
    }


def _runbooks(panel: Panel, url: str) -> tuple[str, list[dict[str, Any]]]:
    """The description, and links to pages of alerts where their address is a whole one."""
    pages = [(alert, f"{url}/{alert}.md") for alert in panel.alerts]
    if "://" in url:
        links = [
            {"title": f"Runbook of {alert}", "url": page, "targetBlank": True}
            for alert, page in pages
        ]
        return panel.description, links
    told = "".join(f"\n\nRunbook of {alert}: `{page}`" for alert, page in pages)
    return panel.description + told, []


def _lettered(queries: Iterable[Query]) -> Iterator[tuple[str, Query]]:
    """Queries with Grafana's names of them: A to Z, then AA."""
    for index, query in enumerate(queries):
        more, rest = divmod(index, len(ascii_uppercase))
        yield (ascii_uppercase[more - 1] if more else "") + ascii_uppercase[rest], query


def _target(panel: Panel, letter: str, query: Query) -> dict[str, Any]:
    instant = panel.kind in _INSTANT
    return {
        "refId": letter,
        "datasource": _PROMETHEUS,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": "table" if panel.kind == "table" else "time_series",
        "instant": instant,
        "range": not instant,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    coloured = panel.steps or panel.kind != "timeseries"
    line = panel.kind == "timeseries"
    found: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": _thresholds(panel.steps),
        "color": {"mode": "thresholds" if coloured and not line else "palette-classic"},
    }
    if panel.most is not None:
        found["max"] = panel.most
    if line:
        found["custom"] = {
            "drawStyle": "line",
            "lineInterpolation": "stepAfter",
            "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.lines else "off"},
        }
    return found


def _thresholds(steps: Steps) -> dict[str, Any]:
    """Of Grafana's thresholds the first has no value: it is what holds below the second."""
    if not steps or steps[0][0] != -math.inf:
        steps = ((-math.inf, "green" if steps else "blue"), *steps)
    return {
        "mode": "absolute",
        "steps": [
            {"color": colour, "value": None if value == -math.inf else value}
            for value, colour in steps
        ],
    }


def _overrides(panel: Panel) -> Iterator[dict[str, Any]]:
    for letter, query in _lettered(panel.queries):
        if panel.kind == "table":
            yield _column(query, panel.unit)
        elif query.dashed:
            yield _override(
                ("byFrameRefID", letter),
                {
                    "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
                    "custom.fillOpacity": 0,
                    "custom.stacking": {"mode": "none", "group": "A"},
                },
            )
    if panel.linked:
        address = {"title": "Open its dashboard", "url": f"/d/${{__data.fields.{panel.linked}}}"}
        yield _override(("byName", panel.keys[0]), {"links": [address]})
        yield _override(("byName", panel.linked), {"custom.hidden": True})


def _column(query: Query, unit: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"unit": query.unit or unit}
    if query.steps:
        properties["thresholds"] = _thresholds(query.steps)
        properties["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
    return _override(("byName", query.legend), properties)


def _override(matcher: tuple[str, str], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "matcher": {"id": matcher[0], "options": matcher[1]},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }


def _joined(panel: Panel) -> list[dict[str, Any]]:
    """One row for each set of labels, a column for each query, under the queries' own words."""
    letters = [letter for letter, _ in _lettered(panel.queries)]
    values = [f"Value #{letter}" for letter in letters] if len(letters) > 1 else ["Value"]
    headings = dict(zip(values, (query.legend for query in panel.queries), strict=True))
    order = {name: place for place, name in enumerate([*panel.keys, *values])}
    return [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True},
                "indexByName": order,
                "renameByName": headings,
            },
        },
    ]
