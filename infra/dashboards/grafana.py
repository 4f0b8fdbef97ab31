"""A dashboard as Grafana reads it: its places on the grid, its links, its one variable."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from infra.dashboards.grafana_panels import SOURCE, panel_document
from infra.dashboards.panel import Dashboard, Panel, Row

# The last before Grafana 12's own; newer ones migrate it when they load it.
_SCHEMA = 39
_COLUMNS = 24


def document(
    dashboard: Dashboard, others: Iterable[Dashboard], runbooks_url: str
) -> dict[str, Any]:
    """Return Grafana's JSON of a dashboard.

    Args:
        dashboard: what to write.
        others: those of the same stack, to which it links.
        runbooks_url: where the pages of alerts can be read.

    """
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": list(dashboard.tags),
        "schemaVersion": _SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source()]},
        "annotations": {"list": []},
        "links": list(_links(dashboard, others)),
        "panels": list(_placed(dashboard.rows, runbooks_url)),
    }


def _source() -> dict[str, Any]:
    """The variable that says which Prometheus is asked."""
    return {
        "name": SOURCE,
        "type": "datasource",
        "label": "Prometheus",
        "query": "prometheus",
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }


def _links(own: Dashboard, others: Iterable[Dashboard]) -> Iterator[dict[str, Any]]:
    """To each other dashboard of the stack; to those that share a tag, by one menu."""
    menus: dict[str, tuple[str, ...]] = {}
    for other in others:
        if other.menu:
            menus[other.menu] = other.tags
        elif other.uid != own.uid:
            yield _link(other.short or other.title, url=f"/d/{other.uid}")
    for title, tags in menus.items():
        yield _link(title, tags=tags)


def _link(title: str, url: str = "", tags: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "title": title,
        "type": "dashboards" if tags else "link",
        "url": url,
        "tags": list(tags),
        "asDropdown": bool(tags),
        "icon": "dashboard",
        "tooltip": "",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
    }


def _placed(rows: Iterable[Row], runbooks_url: str) -> Iterator[dict[str, Any]]:
    """Every row's heading and panels, numbered, from the top left on."""
    number, top = 0, 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
        }
        top += 1
        for line in _in_lines(row.panels):
            left = 0
            for panel in line:
                number += 1
                place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
                yield {"id": number, "gridPos": place, **panel_document(panel, runbooks_url)}
                left += panel.width
            top += max(panel.height for panel in line)


def _in_lines(panels: Iterable[Panel]) -> Iterator[list[Panel]]:
    line: list[Panel] = []
    for panel in panels:
        if line and sum(each.width for each in line) + panel.width > _COLUMNS:
            yield line
            line = []
        line.append(panel)
    if line:
        yield line
