# ruff: noqa: PLC0415 - each command imports what it needs only when it runs, to answer at once
"""The commands of `fleet campaign`: a queue that should be busy, and is told of when it is idle."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.failures import ToldGroup
from fleet.options import Kubeconfig, Stack

if TYPE_CHECKING:
    from fleet.api_client import FleetApi

app = typer.Typer(
    cls=ToldGroup, help="Say that a queue should be busy; an alert tells when it is idle for hours."
)

Queue = Annotated[str, typer.Argument(help="Queue that the campaign is on.")]
_PATH = "/api/v1/fleet/campaigns"


@app.command()
def start(queue: Queue, *, stack: Stack = None, kubeconfig: Kubeconfig = None) -> None:
    """Switch a queue's campaign on; one that is on goes on."""
    since = _api(stack, kubeconfig).ask("PUT", _path(queue))["since"]
    _say(f"campaign on queue {queue}: on {_ago(since)}")


@app.command()
def stop(queue: Queue, *, stack: Stack = None, kubeconfig: Kubeconfig = None) -> None:
    """Switch a queue's campaign off."""
    was_on = _api(stack, kubeconfig).ask("DELETE", _path(queue))["was_on"]
    _say(f"campaign on queue {queue}: {'off now' if was_on else 'was not on'}")


@app.command("list")
def list_campaigns(*, stack: Stack = None, kubeconfig: Kubeconfig = None) -> None:
    """Show which campaigns are on."""
    running = _api(stack, kubeconfig).ask("GET", _PATH)["running"]
    for queue, since in sorted(running.items()):
        _say(f"campaign on queue {queue}: on {_ago(since)}")
    if not running:
        _say("no campaign is on")


def _api(stack: str | None, kubeconfig: Path | None) -> "FleetApi":
    from fleet import session

    return session.begin(stack, kubeconfig).api


def _path(queue: str) -> str:
    from urllib.parse import quote

    return f"{_PATH}/{quote(queue, safe='')}"


def _ago(since: float) -> str:
    minutes = max(0, round((time.time() - since) / 60))
    hours, rest = divmod(minutes, 60)
    return f"for {hours} h {rest} min" if hours else f"for {minutes} min"


def _say(line: str) -> None:
    print(line)  # noqa: T201 - for programs, too
