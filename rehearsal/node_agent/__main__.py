"""`python -m rehearsal.node_agent --state ROOT`: runs the nodes until SIGTERM."""

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path

from rehearsal.layout import Layout
from rehearsal.node_agent.agent import Agent, server_version
from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.pods.members import become_subreaper, end_strangers
from rehearsal.service import run_until_stopped

# A worker's own grace may be half an hour; nobody waits that long for a rehearsal to stop.
# With the farewells to the API server it stays below the supervisor's 8 s.
_STOP_LIMIT_S = 5.0


def main() -> int:
    """Run the agent; 0 after SIGTERM or SIGINT, 1 with the reason on stderr."""
    arguments = _arguments()
    os.umask(0o022)
    layout, stop_limit_s = Layout(arguments.state.resolve()), arguments.stop_limit_s
    return run_until_stopped(lambda stop: _run(layout, stop_limit_s, stop))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.node_agent",
        description="A stand-in for container nodes: runs pods as local processes.",
    )
    parser.add_argument("--state", type=Path, required=True, help="the rehearsal's state folder")
    parser.add_argument(
        "--stop-limit-s",
        type=float,
        default=_STOP_LIMIT_S,
        help="longest grace that a process gets when the agent stops, seconds",
    )
    return parser.parse_args()


async def _run(layout: Layout, stop_limit_s: float, stop: asyncio.Event) -> None:
    become_subreaper()
    api = ApiClient(layout.kubeconfig)
    try:
        version = await _unless(stop, server_version(api))
        if version:
            await Agent(layout, api, version).run(stop, stop_limit_s)
        # Nothing may outlive an agent that was told to stop, whatever its predecessor left.
        await end_strangers(layout.pods, frozenset())
    finally:
        await api.close()


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, str]) -> str | None:
    """The work's result; None if the agent is told to stop before."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not task.done():
        task.cancel()
        return None
    return task.result()


if __name__ == "__main__":
    sys.exit(main())
