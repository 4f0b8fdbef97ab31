"""`python -m rehearsal.node_autoscaler --state ROOT`: lets nodes come and go until SIGTERM."""

import argparse
import asyncio
import sys
from pathlib import Path

from rehearsal.layout import Layout
from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_autoscaler.autoscaler import NodeAutoscaler
from rehearsal.service import run_until_stopped


def main() -> int:
    """Run the node autoscaler; 0 after SIGTERM or SIGINT, 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.node_autoscaler",
        description="A stand-in for a node autoscaler: nodes come for pods without a place.",
    )
    parser.add_argument("--state", type=Path, required=True, help="the rehearsal's state folder")
    layout = Layout(parser.parse_args().state.resolve())
    return run_until_stopped(lambda stop: _run(layout, stop))


async def _run(layout: Layout, stop: asyncio.Event) -> None:
    api = ApiClient(layout.kubeconfig)
    try:
        await NodeAutoscaler(layout, api).run(stop)
    finally:
        await api.close()


if __name__ == "__main__":
    sys.exit(main())
