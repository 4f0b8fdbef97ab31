"""`python -m rehearsal.node_autoscaler --state ROOT`: lets nodes come and go until SIGTERM."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_autoscaler.autoscaler import NodeAutoscaler


def main() -> int:
    """Run the node autoscaler; 0 after SIGTERM or SIGINT, 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.node_autoscaler",
        description="A stand-in for a node autoscaler: nodes come for pods without a place.",
    )
    parser.add_argument("--state", type=Path, required=True, help="the rehearsal's state folder")
    # httpx would write a line for every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(_run(Layout(parser.parse_args().state.resolve())))
    except RehearsalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(layout: Layout) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    api = ApiClient(layout.kubeconfig)
    try:
        await NodeAutoscaler(layout, api).run(stop)
    finally:
        await api.close()


if __name__ == "__main__":
    sys.exit(main())
