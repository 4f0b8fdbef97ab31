# ruff: noqa: PLC0415 - the command imports what it needs only when it runs, to answer at once
"""`fleet diff`: what it takes and what it prints."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fleet.options import Kubeconfig, Stack


def diff(
    *,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            help="What `pulumi preview --json` printed; else one is made.", dir_okay=False
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Save it for a pull request's comment.", dir_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Tell what `pulumi up` would do to the fleet, in an operator's words; nothing is changed."""
    from fleet import session
    from fleet.difference import command, view

    begun = session.begin(stack, kubeconfig)
    with Console(stderr=True).status("previewing and simulating ..."):
        found = command.run(begun, preview)
    if markdown is not None:
        from fleet.files import write_atomically

        write_atomically(markdown, view.markdown(begun.stack, found))
    if as_json:
        print(json.dumps({"stack": begun.stack, **found.as_json()}, indent=2))  # noqa: T201 - not for a terminal
    else:
        Console().print(view.render(begun.stack, found))
