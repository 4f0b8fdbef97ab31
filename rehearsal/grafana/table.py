"""A table panel's cells, after `merge` and `organize`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rehearsal.grafana.asking import Document, Line
from rehearsal.grafana.units import written


@dataclass(frozen=True)
class Cell:
    """What stands in it, and its colour, if it has one."""

    text: str
    colour: str | None = None


@dataclass(frozen=True)
class Table:
    """Headings, and rows of as many cells."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def colour_of(value: float, thresholds: Document) -> str:
    """The colour of the last threshold that a value reaches."""
    found = "green"
    for step in thresholds["steps"]:
        if step["value"] is None or value >= step["value"]:
            found = step["color"]
    return found


def table(panel: Document, lines: Sequence[Line]) -> Table:
    """Join the queries by the labels that all have; a column for each query."""
    organized = panel["transformations"][1]["options"]
    overrides = {
        o["matcher"]["options"]: o["properties"] for o in panel["fieldConfig"]["overrides"]
    }
    letters = [target["refId"] for target in panel["targets"]]
    values = [f"Value #{letter}" for letter in letters] if len(letters) > 1 else ["Value"]
    keys = [name for name in organized["indexByName"] if name not in values]
    rows: dict[tuple[str, ...], dict[str, Line]] = {}
    for line in lines:
        rows.setdefault(tuple(line.labels.get(key, "") for key in keys), {})[line.query] = line
    names = [organized["renameByName"][value] for value in values]
    default = panel["fieldConfig"]["defaults"]
    return Table(
        (*keys, *names),
        tuple(
            (
                *(Cell(each) for each in key),
                *(
                    _cell(found.get(letter), {**default, **_own(overrides.get(name, ()))})
                    for letter, name in zip(letters, names, strict=True)
                ),
            )
            for key, found in sorted(rows.items())
        ),
    )


def _own(properties: Sequence[Document]) -> Mapping[str, Any]:
    return {each["id"]: each["value"] for each in properties}


def _cell(line: Line | None, field: Mapping[str, Any]) -> Cell:
    if line is None:
        return Cell("")
    coloured = "custom.cellOptions" in field and not math.isnan(line.latest)
    colour = colour_of(line.latest, field["thresholds"]) if coloured else None
    return Cell(written(line.latest, field["unit"]), colour)
