"""The verdicts as a table in the terminal and as JSON, and what they amount to."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from benchmarks.model.case import FROZEN
from benchmarks.model.contenders import AMPLE, FAIR_MARK, OURS, PEERS
from benchmarks.model.runs import code_hash
from benchmarks.model.verdict import (
    BEARABLE_RATIO,
    WANTED_SHARE,
    Verdict,
    cost_ratio,
    passed,
    relative_cost,
    tally,
)

HEADINGS = ("policy", "tuned on", "unseen", "killed", "lost", "twice", "cost")
ROWS = (OURS, *(name + mark for name in PEERS for mark in ("", FAIR_MARK)))


def summary_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """One row per policy: promises kept of those that can be, mishaps, cost over ours."""
    extra = [name for name in verdicts[0].standings if name not in {*ROWS, AMPLE}]
    rows = []
    for name in (*ROWS, *extra):
        counted = tally(verdicts, name)
        tuned, fresh = (tally(part, name) for part in _parts(verdicts))
        rows.append(
            (
                name,
                *(f"{part.keeps}/{part.feasible}" for part in (tuned, fresh)),
                *(f"{n:,}" for n in (counted.killed, counted.lost, counted.duplicates)),
                f"{relative_cost(verdicts, name):.2f}",
            )
        )
    return rows


def terminal_table(verdicts: Sequence[Verdict], seeds: int) -> Table:
    """The summary, narrow enough for 80 columns."""
    table = Table(
        title=f"Queues whose tasks start in time, {seeds} seeds",
        caption=f"{FAIR_MARK.strip()}: with our prefetch, acknowledgement and grace; "
        "killed, lost, twice: tasks over all seeds; cost: over ours, geometric mean",
        box=box.SIMPLE_HEAD,
    )
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    for row in summary_rows(verdicts):
        table.add_row(*row, style="bold" if row[0] == OURS else None)
    return table


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """The target and whether it is met."""
    feasible = [verdict for verdict in verdicts if verdict.feasible]
    kept = sum(verdict.ours.keeps for verdict in feasible)
    good = sum(verdict.good for verdict in feasible)
    killed = sum(verdict.ours.killed for verdict in verdicts)
    return (
        f"{OURS} keeps {kept} of {len(feasible)} feasible promises, {good} of them at most "
        f"{BEARABLE_RATIO:g} times the cost of the cheapest policy that keeps them too, and kills "
        f"{killed} tasks; the median queue costs {cost_ratio(verdicts):.2f} times as much. "
        f"Target ({WANTED_SHARE:.0%}, 0 killed): {'met' if passed(verdicts) else 'MISSED'}."
    )


def as_json(verdicts: Sequence[Verdict], seeds: int, draw: int) -> str:
    """Every figure, for other programs; the unseen queues come from seed `draw`."""
    told = {
        "seeds": seeds,
        "simulator": code_hash()[:16],
        "scenarios": hashlib.sha256(FROZEN.read_bytes()).hexdigest()[:16],
        "unseenSeed": draw,
        "targetMet": passed(verdicts),
        "queues": [_queue_json(verdict) for verdict in verdicts],
    }
    return json.dumps(told, indent=1) + "\n"


def _parts(verdicts: Sequence[Verdict]) -> tuple[list[Verdict], list[Verdict]]:
    """Tuned on, and unseen."""
    fresh = [verdict for verdict in verdicts if verdict.case.name.startswith("unseen/")]
    return [verdict for verdict in verdicts if verdict not in fresh], fresh


def _queue_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.case.name,
        "feasible": verdict.feasible,
        "cheapest": verdict.cheapest,
        "ratio": verdict.ratio,
        "overHindsight": verdict.over_hindsight,
        "policies": {
            name: {
                "inBursts": round(one.in_bursts, 4),
                "otherwise": round(one.otherwise, 4),
                "keeps": one.keeps,
                "p95Seconds": round(one.p95_s, 2) if math.isfinite(one.p95_s) else None,
                "usd": round(one.mean_usd, 4),
                "killed": one.killed,
                "lost": one.lost,
                "twice": one.duplicates,
            }
            for name, one in verdict.standings.items()
        },
    }
