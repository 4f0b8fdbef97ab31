"""The outcomes as a page and as JSON."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import psutil

from benchmarks.live.arms import arm
from benchmarks.live.comparison import Ratio
from benchmarks.live.described import described
from benchmarks.live.figures import RATIOS
from benchmarks.live.outcome import COUNTS, Outcome, Policy
from benchmarks.live.simulated import beside_simulator

Columns = Mapping[str, Mapping[str, str]]
"""For each policy, its figures by name."""

_SECONDS = ("wait_p50_s", "wait_p95_s", "wait_p99_s", "wait_max_s", "first_start_s", "drained_s")
_HEAD = """# Real KEDA, HPA, broker and workers: ours beside others'

`python -m benchmarks.live`, on {machine}.
Each policy in turn on one rehearsal, on the same arrivals, once a block in random order. KEDA, HPA
controller, API server, scheduler, broker and Celery workers are real; nodes and the container
runtime are the rehearsal's stand-ins.

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
- **Pod-seconds** are those of the block. A policy that keeps a pod also pays for it in the quiet
  hours between, which are not counted.
- **Ratios** are ours over the peer's, block by block: the median and its bootstrap 95 % interval,
  which for fewer than five blocks is their whole range. Below 1 ours is less. Bold where the
  interval excludes 1 in at least five blocks; only then is a difference claimed. What had not come
  by a run's end counts as coming then, which favours whoever is late.
- **A block is void** if other work on the machine showed in one of its runs: tasks published late,
  pods that took a quarter longer to begin than the scenario states, or tasks that ran on. Such a
  run is repeated once before, and the second counts. `live.json` has the share of the cores that
  was busy in each run, and that other programs had.
"""


def page(outcomes: Sequence[Outcome]) -> str:
    """Markdown: a section per scenario."""
    machine = f"{psutil.cpu_count()} cores, Linux {platform.release().split('-')[0]}"
    sections = [*(_section(one) for one in outcomes), *_simulator(outcomes)]
    return "\n".join([_HEAD.format(machine=machine), *sections])


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
        f"{one.blocks} block{'s' * (one.blocks != 1)}" + _void(one) + ".",
        "",
        *_table("median of the blocks", _measured(one)),
        "",
        *_table("tasks, all blocks", _became(one)),
        "",
        *_table("ours over", _compared(one)),
        "",
        *_table("what it was given", _given(one)),
        "",
    ]
    return "\n".join(lines)


def _simulator(outcomes: Sequence[Outcome]) -> list[str]:
    columns = {one.scenario.name: told for one in outcomes if (told := beside_simulator(one))}
    if not columns:
        return []
    text = """The queue simulator that sizes and judges is given our runs' tasks and settings. Times
are medians since the first task that waited; they agree within one HPA period, whose phase nobody
knows."""
    return ["## The simulator beside our runs", "", text, "", *_table("median", columns), ""]


def _void(one: Outcome) -> str:
    reasons = dict.fromkeys(why for told in one.void.values() for why in told.split("; "))
    return f", {len(one.void)} more void ({'; '.join(reasons)})" if one.void else ""


def _measured(one: Outcome) -> Columns:
    return {policy.label: _figures(policy) for policy in one.policies}


def _figures(policy: Policy) -> dict[str, str]:
    seconds = {f"{RATIOS[name]}, s": f"{policy.median(name):.1f}" for name in _SECONDS}
    return {
        **seconds,
        "began in time": f"{policy.median('in_time'):.0%}",
        "pod-seconds": f"{policy.median('pod_s'):.0f}",
        "pod starts": f"{policy.median('pod_starts'):.0f}",
    }


def _became(one: Outcome) -> Columns:
    sent = f"{one.blocks * one.tasks}"
    return {
        policy.label: {"sent": sent, **{count: f"{policy.total(count)}" for count in COUNTS}}
        for policy in one.policies
    }


def _compared(one: Outcome) -> Columns:
    labels = {policy.name: policy.label for policy in one.policies}
    return {
        labels[name]: {RATIOS[figure]: _told(ratios[figure]) for figure in RATIOS}
        for name, ratios in one.ratios().items()
    }


def _given(one: Outcome) -> Columns:
    return {policy.label: described(arm(one.scenario, policy.name)) for policy in one.policies}


def _told(found: Ratio | None) -> str:
    if found is None:
        return "-"
    if found.blocks == 1:
        return f"{found.median:.2f}"
    text = f"{found.median:.2f} ({found.low:.2f}-{found.high:.2f})"
    return f"**{text}**" if found.differs else text


def _table(corner: str, columns: Columns) -> list[str]:
    """A row for each figure, a column for each policy; nothing where there is no policy."""
    if not columns:
        return []
    names = next(iter(columns.values()))
    rows = [[name, *(column[name] for column in columns.values())] for name in names]
    rows.insert(0, [corner, *columns])
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return [head, f"|---|{'---:|' * len(columns)}", *body]


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
