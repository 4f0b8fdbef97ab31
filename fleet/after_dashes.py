"""A command that takes another one's words, behind `--`, whatever options those look like."""

from typing import Any

import typer
from typer.core import TyperCommand

_KEY = "fleet.after_dashes"


class AfterDashes(TyperCommand):
    """Click alone would take the first word behind `--` for an argument of the command's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - private in Typer
        own, behind = list(args), []
        if "--" in own:
            at = own.index("--")
            own, behind = own[:at], own[at + 1 :]
        ctx.meta[_KEY] = tuple(behind)
        return super().parse_args(ctx, own)


def after_dashes(context: typer.Context) -> tuple[str, ...]:
    """Return the words behind `--`; none where there are none."""
    found: tuple[str, ...] = context.meta[_KEY]
    return found
