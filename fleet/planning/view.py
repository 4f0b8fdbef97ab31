"""The plan as tables: each worker's numbers with their reasons, and ours beside others'."""

import math
from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from fleet.planning.forecast import Forecast, Waits
from infra.models.agreement import visibility_s
from infra.models.fleet import FleetConfig

# From here on decimals only distract.
_WHOLE_SECONDS = 10
_WHOLE_USD = 10


def plan_table(fleet: FleetConfig, stack: str, forecasts: Sequence[Forecast]) -> Table:
    """A row per worker: what is derived, what it is predicted to do, what it costs."""
    visibility = visibility_s(fleet)
    table = _table(
        f"Plan of stack {stack} (tier {fleet.tier}); visibility timeout {visibility} s",
        "waits: seconds from publish to start, p50/p95/p99, simulated; bears: the wait that its "
        "queues tolerate; $: US dollars a month, of the warm replicas, and what the steady load "
        "and the declared bursts add",
    )
    for heading in ("worker", "replicas"):
        table.add_column(heading, no_wrap=True)
    for heading in ("normal wait", "burst wait", "bears", "warm $", "busy $", "burst $"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in forecasts:
        derived = one.scenario.plan
        table.add_row(
            one.scenario.name,
            f"{derived.min_replicas}..{derived.max_replicas} x{derived.concurrency}",
            _waits(one.normal),
            _waits(one.burst),
            _promise(one),
            *(_usd(part) for part in (one.warm_usd, one.busy_usd, one.burst_usd)),
        )
    return table


def reason_lines(forecasts: Iterable[Forecast]) -> list[str]:
    """Why, worker by worker: bounds, formula, periods."""
    lines = []
    for one in forecasts:
        derived = one.scenario.plan
        lines.append(f"{derived.name}")
        lines += [f"  {key}: {reason}" for key, reason in derived.reasons.items()]
        lines.append(
            f"  replicas = ceil(({derived.formula}) / {derived.concurrency}), "
            f"grace {derived.grace_s} s, cooldownPeriod {derived.cooldown_period_s} s"
            + (
                f", pollingInterval {derived.polling_interval_s} s"
                if derived.polling_interval_s is not None
                else ""
            )
        )
        if not one.keeps_promise:
            lines.append(
                f"  ! {one.burst.in_time:.0%} of a burst's and {one.normal.in_time:.0%} of the "
                f"steady tasks start within {derived.load.wait_s:g} s, not the promised "
                f"{derived.load.quantile:.0%}: {_advice(one)}"
            )
    return lines


def comparison_table(stack: str, rows: Sequence[Forecast]) -> Table:
    """A row per worker and policy, in the order given."""
    table = _table(
        f"Stack {stack} beside others' settings; same maximum and concurrency",
        "p95: seconds from publish to start; killed: running tasks cut off",
    )
    for heading in ("worker", "policy"):
        table.add_column(heading, no_wrap=True)
    for heading in ("normal p95", "burst p95", "in time", "killed", "$ a month"):
        table.add_column(heading, justify="right", no_wrap=True)
    seen = ""
    for row in rows:
        name = row.scenario.name
        if seen and name != seen:
            table.add_section()
        table.add_row(
            name if name != seen else "",
            row.policy,
            _seconds(row.normal.p95_s),
            _seconds(row.burst.p95_s),
            f"{min(row.normal.in_time, row.burst.in_time):.0%}",
            str(row.killed),
            _usd(row.total_usd),
            style="bold" if row.policy == "celery-fleet" else None,
        )
        seen = name
    return table


def _table(title: str, caption: str) -> Table:
    """Narrow enough for a terminal of 80 columns."""
    return Table(title=title, caption=caption, box=box.SIMPLE_HEAD, padding=0, show_edge=False)


def _advice(one: Forecast) -> str:
    derived = one.scenario.plan
    if derived.slots.at_burst > derived.max_replicas * derived.concurrency:
        return (
            f"maxReplicaCount {derived.max_replicas} "
            f"({derived.reasons['maxReplicaCount']}) is too small"
        )
    return "the declared burst or the spread of its task times outruns the reaction"


def _waits(waits: Waits) -> str:
    return "/".join(_seconds(value) for value in (waits.p50_s, waits.p95_s, waits.p99_s))


def _promise(one: Forecast) -> str:
    load = one.scenario.plan.load
    mark = "" if one.keeps_promise else "[red]![/] "
    return f"{mark}{load.wait_s:g}"


def _seconds(value: float) -> str:
    if math.isinf(value):
        return "never"
    return f"{value:.1f}" if value < _WHOLE_SECONDS else f"{value:.0f}"


def _usd(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if value < _WHOLE_USD else f"{value:,.0f}"
