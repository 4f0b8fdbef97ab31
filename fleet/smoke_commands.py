# ruff: noqa: PLC0415 - the command imports what it needs only when it runs, to answer at once
"""`fleet smoke`: what it takes, what it prints, how it ends."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from fleet.options import Kubeconfig, Stack

if TYPE_CHECKING:
    from fleet.session import Session
    from fleet.smoke.round import Round
    from fleet.smoke.verdict import Checked

Queues = Annotated[
    list[str] | None, typer.Option("--queue", "-q", help="Only this queue; may be repeated.")
]
SkipGpu = Annotated[bool, typer.Option("--skip-gpu", help="Leave queues of GPU workers out.")]
Timeout = Annotated[
    float | None,
    typer.Option(min=1, help="Give a queue up after so many seconds, whatever it tolerates."),
]


def smoke(
    *,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
    queues: Queues = None,
    skip_gpu: SkipGpu = False,
    timeout: Timeout = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Send a probe through every queue of a running stack; exit 1 where one is not in time."""
    from fleet import session
    from fleet.smoke.verdict import passed

    begun = session.begin(stack, kubeconfig)
    checked = _checked(begun, queues or [], timeout, skip_gpu=skip_gpu)
    well, seen = passed(checked), {each.aim.queue for each in checked}
    left_out = [name for name in begun.config.queues if name not in seen]
    if as_json:
        told = {
            "stack": begun.stack,
            "namespace": begun.config.namespace,
            "ok": well,
            "left_out": left_out,
            "queues": [each.as_json() for each in checked],
        }
        print(json.dumps(told, indent=2))  # noqa: T201 - not for a terminal
    else:
        from fleet.smoke import view

        title = f"stack {begun.stack}, namespace {begun.config.namespace}"
        Console().print(view.render(title, checked, left_out))
    if not well:
        raise typer.Exit(1)


def _checked(
    begun: "Session", queues: list[str], timeout_s: float | None, *, skip_gpu: bool
) -> "list[Checked]":
    """Run one round; what goes on meanwhile is told on stderr."""
    from fleet import fleet_state
    from fleet.progress import Progress
    from fleet.smoke.aims import aims, chosen
    from fleet.smoke.reasons import explained
    from fleet.smoke.round import Round

    file = begun.project.stack_file(begun.stack)
    names = chosen(begun.config, queues, skip_gpu=skip_gpu, stack_file=file)
    state = fleet_state.read(begun.cluster, begun.config.namespace)
    found = aims(begun.config, names, state, begun.api.queues())
    round_, console = Round(begun.api, found, timeout_s), Console(stderr=True)
    try:
        with Progress(console).running("smoke") as report:
            checked = round_.run(report)
    finally:
        _tell_of_left(round_, console)
    return explained(begun, checked)


def _tell_of_left(round_: "Round", console: Console) -> None:
    for sentence in round_.left:
        console.print(f"! {sentence}", style="yellow", markup=False, soft_wrap=True)
