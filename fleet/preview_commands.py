# ruff: noqa: PLC0415 - each command imports what it needs only when it runs, to answer at once
"""The commands of `fleet preview`: what they take, what they say, how they end."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from fleet.after_dashes import AfterDashes, after_dashes
from fleet.failures import ToldGroup
from rehearsal.errors import RehearsalError

if TYPE_CHECKING:
    from fleet.previews.engine import PreviewEngine
    from fleet.previews.inside import Running
    from fleet.previews.place import Place
    from fleet.previews.pods import Aim
    from fleet.project import Project

app = typer.Typer(cls=ToldGroup, help="Run a branch's own copy of the fleet beside a base stack.")

Branch = Annotated[
    str | None, typer.Option("--branch", "-b", help="Default: the one checked out here.")
]
BaseStack = Annotated[str, typer.Option("--base", help="Stack whose cluster and broker it uses.")]
OwnBase = Annotated[
    str | None, typer.Option("--base", help="Stack beside which it lives; default: as it says.")
]
BreakLock = Annotated[
    bool, typer.Option("--break-lock", help="Release the lock of a pulumi that seems to be dead.")
]
DEFAULT_BASE = "staging"
Name = Annotated[str | None, typer.Argument(help="Of the preview, instead of a branch.")]
Worker = Annotated[str | None, typer.Option("--worker", "-w", help="That one's pods alone.")]


class Process(StrEnum):
    """What always runs in a preview, beside its workers."""

    BEAT = "beat"
    JANITOR = "janitor"
    API = "api"


ProcessOption = Annotated[Process | None, typer.Option(help="What runs beside the workers.")]


@app.command()
def up(  # noqa: PLR0913 - each is an option
    *,
    branch: Branch = None,
    ttl: Annotated[str, typer.Option(help="How long it stays without another up.")] = "48h",
    base: BaseStack = DEFAULT_BASE,
    image: Annotated[str | None, typer.Option(help="Worker image; default: the base's.")] = None,
    training: Annotated[
        bool | None,
        typer.Option(help="With the base's workers on GPUs, or without; default: as it is."),
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Then see that every queue of it answers in time.")
    ] = False,
    break_lock: BreakLock = False,
) -> None:
    """Make a branch's preview, or bring it up to date; say how to reach it."""
    from fleet import project
    from fleet.previews import up as steps
    from fleet.previews.ttl import ttl as read_ttl

    found = project.find()
    name = project.checked_stack_name(base)
    asked = steps.Request(
        branch,
        read_ttl(ttl),
        name,
        image,
        training=training,
        break_lock=break_lock,
        smoke=smoke,
    )
    steps.run(found, asked, datetime.now(UTC), Console())


@app.command()
def down(
    name: Name = None,
    *,
    branch: Branch = None,
    base: OwnBase = None,
    leave_keys: Annotated[
        bool, typer.Option("--leave-keys", help="Not its keys: the broker that has them is gone.")
    ] = False,
    break_lock: BreakLock = False,
) -> None:
    """Take a branch's preview down, with every key that it has on the broker."""
    from fleet import project
    from fleet.previews import down as steps

    found, console = project.find(), Console()
    wanted = _name(found, name, branch)
    where, engine = _begin(found, _own_base(found, wanted, base), break_lock=break_lock)
    if not steps.run(where, engine, wanted, console, leave_keys=leave_keys):
        console.print(f"there is no preview {wanted} beside {where.base}", highlight=False)


@app.command("list")
def list_previews(
    *,
    base: BaseStack = DEFAULT_BASE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show the previews beside a base: age, expiry, cost a day, last commit, state."""
    from fleet import project
    from fleet.previews import records, table

    where, engine = _begin(project.find(), base)
    found, now = records.previews(where, engine), datetime.now(UTC)
    if as_json:
        print(json.dumps(table.as_json(found, now), indent=2))  # noqa: T201 - not for a terminal
    elif found:
        Console().print(table.table(found, now))
    else:
        Console().print(f"no previews beside {base}", highlight=False)


@app.command()
def logs(  # noqa: PLR0913 - each is an option
    name: Name = None,
    *,
    branch: Branch = None,
    base: OwnBase = None,
    worker: Worker = None,
    process: ProcessOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    tail: Annotated[int, typer.Option(min=-1, help="Lines of each pod; -1: all.")] = 100,
    since: Annotated[str | None, typer.Option(help="Only what is younger, as 10m or 2h.")] = None,
) -> None:
    """Show what a preview's pods have logged: all of them, or those of one worker or process."""
    from fleet.previews.inside import Excerpt

    _running(name, branch, base).logs(_aim(worker, process), Excerpt(tail, since, follow=follow))


@app.command("exec", cls=AfterDashes)
def run_inside(
    context: typer.Context,
    name: Name = None,
    *,
    branch: Branch = None,
    base: OwnBase = None,
    worker: Worker = None,
    process: ProcessOption = None,
) -> None:
    """Run a command in a pod of a preview's worker: `exec NAME -- COMMAND ...`; none: a shell."""
    _running(name, branch, base).run(_aim(worker, process), after_dashes(context))


@app.command()
def reap(
    *,
    base: BaseStack = DEFAULT_BASE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which would go.")] = False,
    fetched: Annotated[
        bool, typer.Option("--fetched", help="Ask no remote: all branches were just fetched.")
    ] = False,
) -> None:
    """Take down the previews whose time is over or whose branch is gone."""
    from fleet import project
    from fleet.previews import reap as steps

    where, engine = _begin(project.find(), base, break_old_lock=True)
    if not steps.run(where, engine, steps.Request(dry_run=dry_run, fetched=fetched), Console()):
        raise typer.Exit(1)


def _begin(
    found: "Project", base: str, *, break_lock: bool = False, break_old_lock: bool = False
) -> "tuple[Place, PreviewEngine]":
    from fleet import project
    from fleet.previews.engine import PreviewEngine
    from fleet.previews.place import place

    where = place(found, project.checked_stack_name(base), Console(stderr=True).print)
    return where, PreviewEngine(where, break_lock=break_lock, break_old_lock=break_old_lock)


def _name(found: "Project", name: str | None, branch: str | None) -> str:
    from fleet.previews.checkout import Checkout
    from fleet.previews.naming import is_preview, preview_name

    if name is None:
        return preview_name(branch or Checkout(found.root).branch())
    if branch is None and is_preview(name):
        return name
    raise RehearsalError(
        what=f"{name!r} is not the name of a preview" if branch is None else "two previews named",
        why="these commands are for previews alone, one at a time",
        mend="name one as `fleet preview list` shows it, or its branch with --branch",
    )


def _running(name: str | None, branch: str | None, base: str | None) -> "Running":
    from fleet import project
    from fleet.previews import inside

    found = project.find()
    wanted = _name(found, name, branch)
    return inside.running(*_begin(found, _own_base(found, wanted, base)), wanted)


def _aim(worker: str | None, process: Process | None) -> "Aim":
    from fleet.previews.pods import Aim

    if worker is not None and process is not None:
        raise typer.BadParameter("one of --worker and --process, not both")
    return Aim(worker, None if process is None else process.value)


def _own_base(found: "Project", name: str, asked: str | None) -> str:
    """The base that a preview's own stack file states, where this checkout has it."""
    from fleet.previews.records import elsewhere, own_file

    config = own_file(found, name)
    own = config.preview.base if config and config.preview else None
    if asked and own and asked != own:
        # Before anything of the other base is looked for.
        raise elsewhere(name, own)
    return asked or own or DEFAULT_BASE
