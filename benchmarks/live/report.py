"""The outcomes as a page and as JSON."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psutil

from benchmarks.live.comparison import Ratio
from benchmarks.live.figures import RATIOS
from benchmarks.live.outcome import COUNTS, Outcome, Policy

_SHOWN = ("wait_p50_s", "wait_p95_s", "wait_p99_s", "wait_max_s", "first_start_s", "drained_s")
_HEAD = """# Real KEDA, HPA, broker and workers: ours beside others'

`python -m benchmarks.live`, {machine}. Each policy in turn on one rehearsal, on the same arrivals,
once a block in random order. KEDA, HPA controller, API server, scheduler, broker and Celery workers
are real; nodes and the container runtime are the rehearsal's stand-ins.

- **Time is scaled**: each second that a setting states is divided by the scenario's factor, for all
  policies alike, and seconds below are the stage's. What is not scaled weighs the factor more: the
  CPU that a pod's start and its connections take.
- **Equal for all**: image code, concurrency, maximum, arrivals, task seconds, pod start. A peer has
  its own scaling rule, grace, prefetch and acknowledgement, as its source ships them
  (`fleet/simulation/peers.py`). The fleet's image refuses early acknowledgement, so peers run the
  same code under a benchmark-only app, `benchmarks/live/peer_app.py`.
- Airflow's SQL query for queued and running tasks is stood in for by the lengths of the list and
  of the in-flight hash. Where a peer states no HPA behavior, Kubernetes' default is written out.
- An HPA on CPU is left out: the stage has no metrics server.
- **Ratios** are ours over the peer's, block by block: the median and its bootstrap 95 % interval.
  Below 1 ours is less; in bold where the interval excludes 1 in at least five blocks, and only then
  is there said to be a difference. What had not come by a run's end counts as coming then, which
  favours whoever is late.
"""


def page(outcomes: Sequence[Outcome]) -> str:
    """Markdown: a section per scenario."""
    machine = f"{psutil.cpu_count()} cores, Linux {platform.release().split('-')[0]}"
    return "\n".join([_HEAD.format(machine=machine), *(_section(one) for one in outcomes)])


def document(outcomes: Sequence[Outcome]) -> str:
    """JSON: everything the page shows, and each run's figures and disturbance."""
    return json.dumps([_entry(one) for one in outcomes], indent=1) + "\n"


def _section(one: Outcome) -> str:
    pace, scenario = one.scenario.pace, one.scenario
    lines = [
        f"## {scenario.name}: {scenario.what}",
        "",
        f"{one.tasks} tasks of {pace.seconds(scenario.queue.objective.typical_s):.2g} s on average "
        f"a block, tolerated wait {scenario.tolerated_s:g} s; 1 s here is {pace.factor:g} s; "
        f"{one.blocks} blocks" + _void(one) + ".",
        "",
        *_table(_absolute_rows(one)),
        "",
        f"Seconds are medians over blocks; tasks are sums over {one.blocks} x {one.tasks}.",
        "",
        *_table(_ratio_rows(one)),
        "",
    ]
    return "\n".join(lines)


def _void(one: Outcome) -> str:
    return f", {len(one.void)} more void ({'; '.join(one.void.values())})" if one.void else ""


def _absolute_rows(one: Outcome) -> list[list[str]]:
    heads = [RATIOS[figure] for figure in _SHOWN]
    rows = [["policy", *heads, "in time", "pod-s", "pod starts", *COUNTS]]
    for policy in one.policies:
        seconds = [f"{policy.median(figure):.1f}" for figure in _SHOWN]
        cost = [f"{policy.median('pod_s'):.0f}", f"{policy.median('pod_starts'):.0f}"]
        counts = [str(policy.total(count)) for count in COUNTS]
        rows.append([policy.label, *seconds, f"{policy.median('in_time'):.0%}", *cost, *counts])
    return rows


def _ratio_rows(one: Outcome) -> list[list[str]]:
    labels = {policy.name: policy.label for policy in one.policies}
    rows = [["ours over", *RATIOS.values()]]
    for name, ratios in one.ratios().items():
        rows.append([labels[name], *(_told(ratios[figure]) for figure in RATIOS)])
    return rows


def _told(found: Ratio | None) -> str:
    if found is None:
        return "-"
    text = f"{found.median:.2f} ({found.low:.2f}-{found.high:.2f})"
    return f"**{text}**" if found.differs else text


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return [head, f"|---|{'---:|' * (len(rows[0]) - 1)}", *body]


def _entry(one: Outcome) -> dict[str, Any]:
    scenario = one.scenario
    return {
        "scenario": scenario.name,
        "what": scenario.what,
        "scale": scenario.pace.factor,
        "hpa_sync_period_s": scenario.stage_hpa_s,
        "tolerated_wait_s": scenario.tolerated_s,
        "blocks": one.blocks,
        "tasks": one.tasks,
        "void": {str(block): why for block, why in one.void.items()},
        "policies": [_runs(policy) for policy in one.policies],
        "ours_over": {
            name: {
                figure: found and asdict(found) | {"differs": found.differs}
                for figure, found in ratios.items()
            }
            for name, ratios in one.ratios().items()
        },
    }


def _runs(policy: Policy) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "label": policy.label,
        "runs": [
            {
                "block": block,
                "position": policy.runs[block].position,
                "began_at": policy.runs[block].began_at,
                **{key: round(value, 3) for key, value in asdict(got).items()},
                **asdict(policy.runs[block].disturbance),
            }
            for block, got in policy.figures.items()
        ],
    }
