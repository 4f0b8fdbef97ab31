"""`fleet doctor --aws`: asks AWS whether `pulumi up` would get through; reads only."""

from collections.abc import Callable, Iterator

from rich.console import Console

from fleet import stack_config
from fleet.aws import account as accounts
from fleet.aws import report
from fleet.aws.checks import CHECKS, GATES, Check, Subject
from fleet.aws.finding import Finding
from fleet.aws.refusals import ERRORS, explained
from fleet.progress import Progress
from fleet.project import Project
from fleet.stack_file import readable
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError


def run(project: Project, stack: str, console: Console) -> int:
    """Check a stack against the account, print a table, and return the number of shortfalls.

    Raises:
        RehearsalError: where the stack file is wrong, or its stack owns nothing on AWS.

    """
    path = readable(project, stack)
    fleet = stack_config.read(path)
    if not fleet.on_aws or fleet.region is None:
        raise RehearsalError(
            what=f"stack {stack} owns nothing on AWS",
            why="neither cluster.kind is eks nor broker.kind elasticache",
            mend="leave --aws out, or name another stack: fleet doctor --aws --stack prod",
            where=path,
        )
    with Progress(console).running("asking AWS") as tell:
        found = list(examine(stack, fleet, fleet.region, tell))
    console.print(report.table(stack, fleet.region, found))
    for line in report.remedies(found):
        console.print(line, soft_wrap=True)
    shortfalls = sum(one.state == "BAD" for _, one in found)
    console.print(report.verdict(shortfalls))
    return shortfalls


def examine(
    stack: str, fleet: FleetConfig, region: str, tell: Callable[[str], None]
) -> Iterator[tuple[str, Finding]]:
    """Run every check and yield what it found, by title; after a closed gate there is no other."""
    try:
        subject = Subject(stack, fleet, accounts.connect(region))
    except ERRORS as error:
        yield "credentials", _not_asked(error)
        return
    for check in (*GATES, *CHECKS):
        tell(check.title)
        found = list(_looked(check, subject))
        yield from ((check.title, one) for one in found)
        if check in GATES and any(one.state == "BAD" for one in found):
            return


def _looked(check: Check, subject: Subject) -> Iterator[Finding]:
    try:
        yield from check.look(subject)
    except ERRORS as error:
        yield _not_asked(error)


def _not_asked(error: Exception) -> Finding:
    why, mend = explained(error)
    return Finding("not checked", why, mend)
