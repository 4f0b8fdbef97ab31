"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

Stack = Annotated[
    str | None, typer.Option("--stack", "-s", help="Pulumi stack; default: the last one up.")
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Leads to a stack's own cluster; default: KUBECONFIG, for tier local the rehearsal's.",
    ),
]
