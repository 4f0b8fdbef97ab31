"""The stand-in for Grafana: numbers as Grafana writes them, joined tables, empty panels told."""

import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from infra.config import load_file
from rehearsal.grafana.asking import Document, Line
from rehearsal.grafana.drawing import draw
from rehearsal.grafana.table import colour_of, table
from rehearsal.grafana.units import written
from tests.unit.dashboard_panels import panels, parsed
from tests.unit.recorder import ROOT

PROD = load_file(ROOT / "Pulumi.prod.yaml")


class Known:
    """A Prometheus that answers all of some kinds of panel, and nothing else."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def lines(self, panel: Document) -> list[Line]:
        if panel["type"] not in self.kinds:
            return []
        labels = {"queue": "scraping", "worker": "scraping"}
        return [
            Line(target["refId"], "scraping", labels, (0.0, 30.0, 60.0), (1.0, math.nan, 2.0))
            for target in panel["targets"]
        ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.25, "s", "250 ms"),
        (90, "s", "1.5 min"),
        (7200, "s", "2 hours"),
        (0.705, "percentunit", "70.5%"),
        (1536, "bytes", "1.5 KiB"),
        (0, "Bps", "0 B/s"),
        (12_300, "short", "12.3 K"),
        (0.0117, "currencyUSD", "$0.0117"),
        (8.5, "currencyUSD", "$8.50"),
        (1, "bool_yes_no", "Yes"),
        (4, "none", "4"),
        (math.nan, "s", ""),
    ],
)
def test_a_number_is_written_in_its_unit(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


def test_a_value_has_the_colour_of_the_last_threshold_it_reaches() -> None:
    steps = [("green", None), ("orange", 0.8), ("red", 1)]
    thresholds = {"steps": [{"color": colour, "value": value} for colour, value in steps]}

    found = [colour_of(value, thresholds) for value in (0.0, 0.8, 0.99, 1.0)]
    assert found == ["green", "orange", "orange", "red"]


def test_a_tables_queries_are_joined_by_their_labels() -> None:
    panel = next(p for p in panels(parsed(PROD)["overview"]) if p["type"] == "table")
    lines = [
        Line("A", "", {"queue": "a", "worker": "w", "dashboard": "u"}, (0.0,), (3.0,)),
        Line("J", "", {"queue": "a", "worker": "w"}, (0.0,), (1.0,)),
        Line("A", "", {"queue": "b", "worker": "w", "dashboard": "v"}, (0.0,), (4.0,)),
    ]

    made = table(panel, lines)
    cells = [dict(zip(made.headings, row, strict=True)) for row in made.rows]
    assert [row["queue"].text for row in cells] == ["a", "b"]
    assert [row["Waiting"].text for row in cells] == ["3", "4"]
    assert cells[0]["Dead letters"].colour == "orange"
    assert cells[1]["Dead letters"].text == ""


def test_panels_without_data_are_told(tmp_path: Path) -> None:
    document: Any = parsed(PROD)["overview"]
    told = draw(document, Known("stat", "table", "bargauge"), tmp_path / "page.png")

    assert told == [p["title"] for p in panels(document) if p["type"] == "timeseries"]
    assert draw(document, Known("stat", "timeseries", "table"), tmp_path / "page.png") == []
    assert imread(tmp_path / "page.png").shape[1] > 1000
