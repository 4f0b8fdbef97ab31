"""The verdicts as a Markdown page."""

import math
from collections.abc import Sequence

from benchmarks.model.case import CPU_NODE_USD_PER_HOUR, GPU_NODE_USD_PER_HOUR, POD_USD_PER_HOUR
from benchmarks.model.contenders import FAIR_MARK
from benchmarks.model.report import HEADINGS, ROWS, conclusion, summary_rows
from benchmarks.model.verdict import BEARABLE_RATIO, Verdict

Row = tuple[str, ...]
_PAGE = """# The sizing rules beside other people's settings, simulated

Made by `python -m benchmarks.model --seeds {seeds} --draw {draw}`; do not edit.

{conclusion}

- {seeds} seeds; the same tasks, maximum, concurrency and HPA period for all policies. A promise is
  kept if the promised share of the tasks of declared bursts, and of all others, starts within the
  tolerated wait.
- Feasible: as many warm replicas as the load could use, or as are allowed, keep it.
- Queues that the rules were tuned on: `scenarios.yaml`. Unseen: drawn with seed {draw} after
  the rules were done; other seeds were used on the way.
- Peers as they ship, and marked `{mark}` with our prefetch, acknowledgement, grace and visibility
  timeout. `static` is the number of replicas that our rules say the declared burst needs.
- `static, hindsight` is no policy: the fewest replicas that keep the promise for ever, found by
  trying them on the very tasks of the test. {hindsight}
- Prices: ${pod} a pod-hour on shared nodes; ${gpu} (GPU) and ${cpu} an hour for nodes that are
  launched for the queue. Cost is over ours, the geometric mean of all queues, whether their
  promises are kept or not; killed, lost and twice are tasks over all seeds.
- Loads, start times and prices are assumptions, and `fleet/simulation` says what it leaves out.

{summary}

![Promises kept against cost](model.png)

## Where another policy is clearly cheaper, or the promise is broken

{losses}

## Each queue

Least of the shares in time (bursts, other tasks) and dollars of a span. The ratio's range is 95 %
of a paired bootstrap over the seeds.

{queues}

## Least share in time, every policy

{shares}
"""


def markdown(verdicts: Sequence[Verdict], seeds: int, draw: int) -> str:
    """The whole result; the unseen queues come from seed `draw`."""
    return _PAGE.format(
        conclusion=conclusion(verdicts),
        seeds=seeds,
        draw=draw,
        mark=FAIR_MARK.strip(),
        pod=POD_USD_PER_HOUR,
        gpu=GPU_NODE_USD_PER_HOUR,
        cpu=CPU_NODE_USD_PER_HOUR,
        summary=_table(HEADINGS, summary_rows(verdicts)),
        hindsight=_hindsight(verdicts),
        losses=_losses(verdicts),
        queues=_table(_QUEUE_HEADINGS, [_queue_row(verdict) for verdict in verdicts]),
        shares=_table(("queue", *ROWS), [_share_row(verdict) for verdict in verdicts]),
    )


_QUEUE_HEADINGS = (
    "queue",
    "bears, s",
    "replicas",
    "in time",
    "p95, s",
    "$",
    "cheapest other",
    "ratio",
    "over hindsight",
)


def _losses(verdicts: Sequence[Verdict]) -> str:
    lost = [verdict for verdict in verdicts if verdict.feasible and not verdict.good]
    return "\n".join(f"- {one.case.name}: {_loss(one)}" for one in lost) or "None."


def _hindsight(verdicts: Sequence[Verdict]) -> str:
    ratios = [one.over_hindsight for one in verdicts if one.over_hindsight is not None]
    cheaper = sum(ratio < 1 for ratio in ratios)
    dearer = sum(ratio > BEARABLE_RATIO for ratio in ratios)
    return (
        f"We cost less than it on {cheaper} of {len(ratios)} queues, and more than\n"
        f"  {BEARABLE_RATIO:g} times as much on {dearer}: `over hindsight` below."
    )


def _loss(verdict: Verdict) -> str:
    if not verdict.ours.keeps:
        return (
            f"{verdict.ours.in_bursts:.1%} of the bursts' and {verdict.ours.otherwise:.1%} of "
            f"the other tasks start within {verdict.case.wait_s:g} s"
        )
    return f"{verdict.cheapest} keeps it too, we cost {_ratio(verdict)} times as much"


def _ratio(verdict: Verdict) -> str:
    if verdict.ratio is None or verdict.ratio_range is None:
        return "nobody else"
    low, high = verdict.ratio_range
    return f"{verdict.ratio:.2f} ({low:.2f} to {high:.2f})"


def _queue_row(verdict: Verdict) -> Row:
    plan, ours = verdict.case.plan, verdict.ours
    return (
        verdict.case.name + ("" if verdict.feasible else " (not feasible)"),
        f"{verdict.case.wait_s:g}",
        f"{plan.min_replicas}..{plan.max_replicas} x{plan.concurrency}",
        f"{ours.least_share:.1%}",
        f"{ours.p95_s:.1f}" if math.isfinite(ours.p95_s) else "never",
        f"{ours.mean_usd:.3f}",
        verdict.cheapest or "-",
        _ratio(verdict),
        "-" if verdict.over_hindsight is None else f"{verdict.over_hindsight:.2f}",
    )


def _share_row(verdict: Verdict) -> Row:
    shares = [f"{verdict.standings[name].least_share:.0%}" for name in ROWS]
    return (verdict.case.name, *shares)


def _table(head: Row, rows: Sequence[Row]) -> str:
    align = (":--", *("--:" for _ in head[1:]))
    return "\n".join(_line(cells) for cells in (head, align, *rows))


def _line(cells: Row) -> str:
    return "| " + " | ".join(cell.replace("*", "\\*") for cell in cells) + " |"
