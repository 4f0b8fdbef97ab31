"""`fleet doctor`: what runs, in which version, what is wrong, and how to mend it."""

import datetime as dt
from collections.abc import Callable, Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fleet import doctor_checks as checks
from fleet.doctor_checks import Finding
from fleet.receiver_checks import receivers
from fleet.session import Session
from rehearsal.errors import RehearsalError
from rehearsal.supervisor import client as supervisor
from rehearsal.supervisor.status import RehearsalStatus

Check = Callable[[Session], Iterable[Finding]]

_CHECKS: tuple[tuple[str, Check], ...] = (
    ("versions", checks.versions),
    ("tools", checks.tools),
    ("plugins", checks.plugins),
    ("stack file", checks.stack_file),
    ("rehearsal", checks.rehearsal),
)
_ELSEWHERE: tuple[tuple[str, Check], ...] = (
    ("versions", checks.versions),
    ("stack file", checks.stack_file),
    ("cluster", checks.cluster_elsewhere),
    ("logins", checks.lesser_logins),
    # The broker lets in whoever is in its network; the API asks it for the queues.
    ("fleet", checks.fleet),
    ("alerts", receivers),
)
_LIVE_CHECKS: tuple[tuple[str, Check], ...] = (
    ("cluster", checks.cluster),
    ("broker", checks.broker),
    ("logins", checks.lesser_logins),
    ("fleet", checks.fleet),
    ("alerts", receivers),
)


def examine(session: Session, console: Console) -> int:
    """Run every check, print what it found, and return the number of problems."""
    chosen = _ELSEWHERE if session.elsewhere is not None else _of_the_rehearsal(session, console)
    findings = [(title, finding) for title, check in chosen for finding in _run(check, session)]
    last = ""
    for title, finding in findings:
        console.print(_line(title if title != last else "", finding), soft_wrap=True)
        last = title
    problems = sum(finding.problem is not None for _, finding in findings)
    told = f"problems: {problems}" if problems else "no problem found"
    console.print(Text(told, style="red" if problems else "green"))
    return problems


def _of_the_rehearsal(session: Session, console: Console) -> Iterable[tuple[str, Check]]:
    stage = supervisor.status(session.project.rehearsal)
    console.print(_process_table(stage))
    return (*_CHECKS, *_LIVE_CHECKS) if stage.supervisor is not None else _CHECKS


def _run(check: Check, session: Session) -> list[Finding]:
    """Run a check; one that cannot even look is a finding itself."""
    try:
        return list(check(session))
    except RehearsalError as error:
        return [Finding(error.what, problem=error.why, mend=error.mend)]


def _process_table(stage: RehearsalStatus) -> Table:
    title = f"rehearsal: supervisor pid {stage.supervisor or '-'}"
    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for column in ("process", "pid", "state", "memory", "runs for", "restarts"):
        table.add_column(column, justify="right" if column in {"pid", "memory"} else "left")
    for process in stage.processes:
        table.add_row(
            process.name,
            str(process.pid or "-"),
            process.state,
            f"{process.rss_mib} MiB",
            _age(process.started),
            str(process.restarts),
        )
    total = sum(process.rss_mib for process in stage.processes)
    table.add_row("together", "", "", f"{total} MiB", "", "", style="dim")
    return table


def _age(started: dt.datetime | None) -> str:
    if started is None:
        return "-"
    return str(dt.timedelta(seconds=int((dt.datetime.now(dt.UTC) - started).total_seconds())))


def _line(title: str, finding: Finding) -> Text:
    line = Text(f"{title:<11} ", style="bold")
    if finding.problem is None:
        return line.append(f"ok   {finding.subject}", style="not bold")
    told = f"BAD  {finding.subject}: {finding.problem}\n{'':<17}mend: {finding.mend}"
    return line.append(told, style="not bold red")
