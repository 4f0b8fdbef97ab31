"""The campaign's tables, its JSON and its page."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from chaos.arms import DELIVERY_LIMIT, VISIBILITY_S
from chaos.campaign import Campaign
from chaos.figures import Figures

_COLUMNS = {
    "messages": "messages",
    "refused": "refused",
    "parked": "parked",
    "lost": "lost",
    "lost_unsaved": "by the broker",
    "second_runs": "second runs",
    "unexcused": "unexcused",
    "overlaps": "at once",
    "withheld": "effects withheld",
    "doubled": "effects doubled",
    "restarts": "crashes",
}
_TIMES = ("restart, s", "resume, s")
_SHORT = {
    "messages": "sent",
    "refused": "refused",
    "parked": "parked",
    "lost": "lost",
    "second_runs": "again",
    "unexcused": "unexcused",
}
"""Columns that a terminal of 80 characters has room for; the page has all, and the times."""
_LOCAL = """`python -m chaos`: {seeds} run(s) of each arm, through the same faults under the same
load: a trickle and a burst for each fault, tasks of 50 ms to three visibility timeouts
({visibility} s), retries, ETAs beyond the visibility timeout, and a queue that a stand-in of KEDA
scales to zero. The broker is a real server with AOF everysec and a password, behind TLS
endpoints; workers, beat and producers are real processes. What counts stands in a ledger outside
the broker.

- **ours** is the fleet's worker with its settings and its janitor, messages parked after {limit}
  deliveries. **stock** is Celery with `acks_late` and the same visibility timeout, all else its
  default.
"""
_CLUSTER = """`python -m chaos.cluster`: one worker of the fleet, scaled from zero by KEDA, on the
rehearsal. API server, controllers, KEDA, broker and Celery are real; nodes and the container
runtime are stand-ins. The visibility timeout is {visibility} s.

"""
_PAGE = """# Faults under load: what is lost, and what runs twice

{setting}- **refused**: publishing raised, so nothing was promised.
- **parked**: in the dead-letter list.
- **lost**: published, neither committed nor parked once all was at rest; **by the broker** where
  its persistence allows that: what it had answered for in the last seconds before it was killed, or
  all where it keeps nothing.
- **second runs**: starts that no retry asked for; **unexcused** where no fault hit the task's
  owner and no broker forgot, in its last seconds, that it was taken; also where two ran at once
  though no outage was longer than the visibility timeout.
- **effects withheld**: second effects that the task's idempotency key withheld.
- **restart**: median seconds from a strike until what it cut off had started again.
  **resume**: until the first task had ended that began once the strike was over.

{tables}
{verdict}
"""


def tables(campaign: Campaign) -> Iterator[Table]:
    """One for each arm, a row for each fault."""
    for arm in campaign.runs:
        table = Table(title=arm, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for head in ("fault", *_SHORT.values()):
            table.add_column(head, justify="left" if head == "fault" else "right", no_wrap=True)
        for row in _rows(campaign, arm, _SHORT):
            table.add_row(*row[: 1 + len(_SHORT)])
        yield table


def write(campaign: Campaign, path: Path) -> None:
    """Write JSON and Markdown of this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(_document(campaign), indent=1) + "\n")
    path.with_suffix(".md").write_text(page(campaign))


def page(campaign: Campaign) -> str:
    """Markdown."""
    verdict = "\n".join(f"- {problem}" for problem in campaign.problems)
    setting = _LOCAL if "stock" in campaign.runs else _CLUSTER
    return _PAGE.format(
        setting=setting.format(
            seeds=max(len(runs) for runs in campaign.runs.values()),
            visibility=VISIBILITY_S,
            limit=DELIVERY_LIMIT,
        ),
        tables="\n".join(line for arm in campaign.runs for line in _markdown(campaign, arm)),
        verdict=f"The campaign fails:\n\n{verdict}" if verdict else "Every invariant of ours held.",
    )


def _rows(
    campaign: Campaign, arm: str, columns: Collection[str] = _COLUMNS.keys()
) -> Iterator[list[str]]:
    for fault, by_arm in campaign.figures.items():
        if arm in by_arm:
            yield [fault, *_cells(by_arm[arm], columns)]
    yield ["all", *_cells(campaign.total(arm), columns)]


def _cells(figures: Figures, columns: Collection[str]) -> list[str]:
    times = (figures.restart_median_s, figures.resume_median_s)
    counts = [f"{getattr(figures, name)}" for name in columns]
    return [*counts, *("-" if took_s is None else f"{took_s:.1f}" for took_s in times)]


def _markdown(campaign: Campaign, arm: str) -> Iterator[str]:
    heads = ["fault", *_COLUMNS.values(), *_TIMES]
    yield f"## {arm}\n"
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for row in _rows(campaign, arm):
        yield f"| {' | '.join(row)} |"
    gaps = ", ".join(f"{gap_s:.1f}" for gap_s in campaign.takeovers_s(arm))
    yield f"\nBeat, killed, was silent for {gaps} s.\n" if gaps else ""


def _document(campaign: Campaign) -> dict[str, object]:
    return {
        "visibility_timeout_s": VISIBILITY_S,
        "delivery_limit": DELIVERY_LIMIT,
        "faults": {
            fault: {arm: asdict(of) for arm, of in by_arm.items()}
            for fault, by_arm in campaign.figures.items()
        },
        "beat_silent_s": {arm: campaign.takeovers_s(arm) for arm in campaign.runs},
        "broken": {arm: [asdict(one) for one in found] for arm, found in campaign.broken.items()},
    }
