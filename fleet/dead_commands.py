# ruff: noqa: PLC0415 - each command imports what it needs only when it runs, to answer at once
"""The commands of `fleet dead`: what they take, what they ask first, how they end."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from fleet.failures import ToldGroup
from fleet.options import Kubeconfig, Stack
from rehearsal.errors import RehearsalError

if TYPE_CHECKING:
    from fleet.dead import DeadLetters, Outcome

app = typer.Typer(
    cls=ToldGroup, help="Look at messages that no worker could end; send them again, or let go."
)

Queue = Annotated[str, typer.Argument(help="Queue that the message was in.")]
TaskId = Annotated[str, typer.Argument(help="Id of the task.")]
TaskIds = Annotated[list[str] | None, typer.Argument(help="Ids of the tasks.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter of the queue.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_letters(
    queue: Annotated[str | None, typer.Argument(help="Only of this queue.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Letters of each queue.")] = 20,
    as_json: AsJson = False,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show the newest dead letters: how old, which task, how often delivered, why parked."""
    import time

    from fleet import dead_table

    found = _connect(stack, kubeconfig).queues(queue, limit)
    if as_json:
        print(json.dumps({name: asdict(each) for name, each in found.items()}, indent=2))  # noqa: T201 - not for a terminal
    else:
        Console().print(dead_table.letters(found, time.time()))


@app.command()
def show(
    queue: Queue,
    task_id: TaskId,
    *,
    as_json: AsJson = False,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show all that is known of one message: every delivery, the last error, its content."""
    from fleet import dead_table

    found = _connect(stack, kubeconfig).letter(queue, task_id)
    print(json.dumps(found, indent=2) if as_json else dead_table.letter(found))  # noqa: T201 - never folded


@app.command()
def replay(
    queue: Queue,
    task_ids: TaskIds = None,
    *,
    every: All = False,
    yes: Yes = False,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Send messages again; each is in its queue or parked at any moment, never both."""
    letters = _connect(stack, kubeconfig)
    ids = _chosen(letters, queue, task_ids or [], every=every)
    many = every or len(task_ids or []) > 1
    _ask("replay", letters, queue, task_ids or [], asked=many and not yes)
    _tell(letters.replay(queue, ids), "replayed", queue)


@app.command()
def discard(
    queue: Queue,
    task_ids: TaskIds = None,
    *,
    every: All = False,
    yes: Yes = False,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Remove dead letters for good."""
    letters = _connect(stack, kubeconfig)
    ids = _chosen(letters, queue, task_ids or [], every=every)
    _ask("discard", letters, queue, task_ids or [], asked=not yes)
    _tell(letters.discard(queue, ids), "discarded", queue)


def _connect(stack: str | None, kubeconfig: Path | None) -> "DeadLetters":
    from fleet import session
    from fleet.dead import DeadLetters

    return DeadLetters(session.begin(stack, kubeconfig).api)


def _chosen(
    letters: "DeadLetters", queue: str, task_ids: list[str], *, every: bool
) -> Iterable[str]:
    if bool(task_ids) == every:
        raise RehearsalError(
            what="it is not clear which dead letters are meant",
            why="task ids and --all were both given" if every else "there is no task id",
            mend="name task ids, or every one with: --all",
        )
    return letters.ids(queue) if every else dict.fromkeys(task_ids)


def _ask(
    deed: str, letters: "DeadLetters", queue: str, task_ids: list[str], *, asked: bool
) -> None:
    if not asked:
        return
    count = len(set(task_ids)) or letters.queues(queue, 1)[queue].count
    typer.confirm(f"{deed} {count} of the dead letters of queue {queue}?", abort=True, err=True)


def _tell(outcome: "Outcome", done: str, queue: str) -> None:
    """Say what was done; exit code 1 where something was not."""
    print(f"{done} {len(outcome.done)} dead letters of queue {queue}")  # noqa: T201 - for programs, too
    for task_id, why in outcome.failed.items():
        Console(stderr=True).print(
            f"error: {task_id}: {why}", style="red", markup=False, soft_wrap=True
        )
    if outcome.failed:
        raise typer.Exit(1)
