"""The steps of the jobs that change or watch a stack."""

import tempfile
from pathlib import Path

from fleet.pipeline import deployed
from fleet.pipeline.changes import Changes
from fleet.pipeline.comment import summary
from fleet.pipeline.engine import Previewed, Pulumi
from rehearsal.errors import RehearsalError


def show(pulumi: Pulumi, page: Path | None, answers: Path | None) -> Changes:
    """Show what an `up` would do; leave its digest to whoever is to allow it.

    Raises:
        RehearsalError: where the preview fails.

    """
    seen = pulumi.preview()
    _write(page, summary(seen.changes, pulumi.stack))
    _require(seen, pulumi.stack)
    _write(answers, f"digest={seen.changes.digest}\n")
    return seen.changes


def up(pulumi: Pulumi, page: Path | None, approved: str | None) -> None:
    """Preview into a plan, then carry out that plan and nothing else.

    The plan is made and used in one job: it holds the stack's settings and its secrets, encrypted.

    Raises:
        RehearsalError: where the preview fails, does not do what was approved, or the `up` fails.

    """
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.json"
        seen = pulumi.preview("--save-plan", str(plan))
        _write(page, summary(seen.changes, pulumi.stack))
        _require(seen, pulumi.stack)
        if approved is not None and seen.changes.digest != approved:
            raise RehearsalError(
                what=f"stack {pulumi.stack} would change otherwise than was approved",
                why=f"approved was {approved}, now it is {seen.changes.digest}: the stack, or what "
                "it stands on, has changed since",
                mend="read the changes above, then run the whole workflow again and approve those",
            )
        if approved is None:
            pulumi.carry_out(plan)
        else:
            # What is left has another digest than what was approved.
            pulumi.carry_out(plan, "run the whole workflow again and approve what is left")


def drift(pulumi: Pulumi, page: Path | None) -> None:
    """Look whether the cloud still is as the stack says; nothing is changed there.

    It is compared with the program and the revision that made it, not with what main has by now.
    What autoscalers move is none: the program states no replicas where KEDA does, and ignores the
    desired size of node groups.

    Raises:
        RehearsalError: where it is not, naming what differs, or this checkout is of another commit.

    """
    _compare_with_what_made_it(pulumi)
    seen = pulumi.preview("--refresh", "--expect-no-changes", policies=False)
    _write(page, summary(seen.changes, pulumi.stack))
    if not seen.code:
        return
    if not seen.changes.steps:
        _require(seen, pulumi.stack)
    names = ", ".join(f"{step.op} {step.name}" for step in seen.changes.steps[:10])
    raise RehearsalError(
        what=f"stack {pulumi.stack} has drifted",
        why=f"`up` would now: {names}",
        mend="if the change by hand is wanted, write it into the stack file; else run `up`",
    )


def _compare_with_what_made_it(pulumi: Pulumi) -> None:
    commit = deployed.commit(pulumi)
    if commit is not None:
        deployed.require_checkout(pulumi, commit)
        pulumi.set_revision(commit)


def _require(seen: Previewed, stack: str) -> None:
    if not seen.code and seen.changes.complete:
        return
    told = [*seen.changes.errors, *(each.message for each in seen.changes.breaches)]
    raise RehearsalError(
        what=f"`pulumi preview` of stack {stack} ended with {seen.code}",
        why=(told or ["its own lines, above, say why"])[0],
        mend="mend what it names and run the job again; nothing was changed",
    )


def _write(path: Path | None, text: str) -> None:
    """Append, as GitHub asks of the files that it gives to a step."""
    if path is not None:
        with path.open("a") as file:
            file.write(text)
