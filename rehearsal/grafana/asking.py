"""What a panel shows: its queries, asked of Prometheus over the time that is drawn."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

_POINTS = 240
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One series: what it is called, its labels, its samples."""

    query: str
    """Grafana's letter of it."""
    name: str
    labels: Mapping[str, str]
    times_s: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def latest(self) -> float:
        """The last sample that is a number; NaN where none is."""
        numbers = [value for value in self.values if not math.isnan(value)]
        return numbers[-1] if numbers else math.nan


@dataclass(frozen=True)
class Prometheus:
    """Where is asked, and about which time."""

    url: str
    start_s: float
    end_s: float

    def lines(self, panel: Document) -> list[Line]:
        """Every series of every query of a panel."""
        return [line for target in panel["targets"] for line in self._asked(target)]

    def _asked(self, target: Document) -> list[Line]:
        if target["instant"]:
            found = self._ask("query", {"query": target["expr"], "time": self.end_s})
            series = [{**each, "values": [each["value"]]} for each in found]
        else:
            step = max(1.0, (self.end_s - self.start_s) / _POINTS)
            asked = {"query": target["expr"], "start": self.start_s, "end": self.end_s}
            series = self._ask("query_range", {**asked, "step": step})
        return [_line(target, each) for each in series]

    def _ask(self, what: str, query: dict[str, Any]) -> list[Any]:
        answer = httpx.post(
            f"{self.url}/api/v1/{what}", data=query, trust_env=False, timeout=30
        ).raise_for_status()
        found: list[Any] = answer.json()["data"]["result"]
        return found


def _line(target: Document, series: Document) -> Line:
    labels = {name: value for name, value in series["metric"].items() if name != "__name__"}
    wanted = target["legendFormat"]
    name = ", ".join(labels.values()) if wanted == "__auto" else wanted
    samples = [(float(at), float(value)) for at, value in series["values"]]
    return Line(
        target["refId"],
        _LABEL.sub(lambda found: labels.get(found[1], ""), name),
        labels,
        tuple(at for at, _ in samples),
        tuple(value for _, value in samples),
    )
