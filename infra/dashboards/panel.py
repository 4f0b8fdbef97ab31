"""What a dashboard is made of, before it is Grafana's: panels, rows, queries, thresholds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stat", "timeseries", "bargauge", "table"]
Colour = Literal["green", "orange", "red", "blue"]
Unit = Literal[
    "short", "none", "s", "bytes", "Bps", "percentunit", "percent", "ops", "cpm", "celsius", "watt",
    "currencyUSD", "dateTimeFromNow", "bool_yes_no", "bool_on_off",
]  # fmt: skip
"""How Grafana writes a number (its `valueFormats`); `cpm`: a minute, `ops`: a second."""

Steps = tuple[tuple[float, Colour], ...]
"""The colour from each value on, upwards. Below the first it is green, unless that is -inf; where
there is none, blue."""


@dataclass(frozen=True)
class Query:
    """One expression of PromQL, and what its lines are called."""

    expr: str
    legend: str = ""
    """Grafana's template: `{{queue}}` is the label's value. Of a table, the column's heading."""
    unit: Unit | None = None
    """Where it is another than its panel's."""
    steps: Steps = ()
    """Of a table's column, whose cells are coloured."""
    dashed: bool = False
    """Drawn as a bound that others are seen against."""


@dataclass(frozen=True)
class Panel:
    """One picture: what it shows, in which unit, and what of it is good or bad."""

    kind: Kind
    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    steps: Steps = ()
    lines: bool = False
    """Whether thresholds are drawn as lines across a time series."""
    alerts: tuple[str, ...] = ()
    """Those that tell of what it shows; their runbooks are linked."""
    width: int = 8
    """Of the 24 columns."""
    height: int = 7
    most: float | None = None
    """The end of its scale."""
    stacked: bool = False
    keys: tuple[str, ...] = ()
    """Of a table: the labels that its queries are joined by."""
    linked: str = ""
    """Label of a table's first query that holds the uid of the dashboard its rows lead to."""


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """One page of Grafana."""

    name: str
    """Its file's name, without `.json`."""
    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    tags: tuple[str, ...]
    short: str = ""
    """What links to it say."""
    menu: str = ""
    """The menu that links to it, of those with the same tags; else a link of its own."""


def stat(
    title: str,
    description: str,
    unit: Unit,
    expr: str,
    steps: Steps = (),
    *alerts: str,
) -> Panel:
    """One number of now, and how it came about."""
    queries = (Query(expr),)
    return Panel("stat", title, description, unit, queries, steps, alerts=alerts, width=4, height=4)


def lines(
    title: str,
    description: str,
    unit: Unit,
    queries: Iterable[Query],
    *alerts: str,
    bounds: Steps = (),
) -> Panel:
    """Figures over time; `bounds` are drawn across them."""
    return Panel(
        "timeseries",
        title,
        description,
        unit,
        tuple(queries),
        bounds,
        lines=bool(bounds),
        alerts=alerts,
    )
