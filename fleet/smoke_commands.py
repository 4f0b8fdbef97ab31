# ruff: noqa: PLC0415 - the command imports what it needs only when it runs, to answer at once
"""`fleet smoke`: what it takes, what it prints, how it ends."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from fleet.options import Kubeconfig, Stack

if TYPE_CHECKING:
    from fleet.session import Session
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
    from fleet.smoke.of_stack import left_out
    from fleet.smoke.verdict import passed

    begun = session.begin(stack, kubeconfig)
    checked = _checked(begun, queues or [], timeout, skip_gpu=skip_gpu)
    well, missing = passed(checked), left_out(begun, checked)
    if as_json:
        told = {
            "stack": begun.stack,
            "namespace": begun.config.namespace,
            "ok": well,
            "left_out": missing,
            "queues": [each.as_json() for each in checked],
        }
        print(json.dumps(told, indent=2))  # noqa: T201 - not for a terminal
    else:
        from fleet.smoke import view

        title = f"stack {begun.stack}, namespace {begun.config.namespace}"
        Console().print(view.render(title, checked, missing))
    if not well:
        raise typer.Exit(1)


def _checked(
    begun: "Session", queues: list[str], timeout_s: float | None, *, skip_gpu: bool
) -> "list[Checked]":
    """Run one round; what goes on meanwhile is told on stderr."""
    from fleet.progress import Progress
    from fleet.smoke.of_stack import smoke as through

    console = Console(stderr=True)

    def left(sentence: str) -> None:
        console.print(f"! {sentence}", style="yellow", markup=False, soft_wrap=True)

    with Progress(console).running("smoke") as report:
        return through(
            begun, report, left=left, queues=queues, skip_gpu=skip_gpu, timeout_s=timeout_s
        )
