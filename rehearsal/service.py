"""How a program of the rehearsal runs on an event loop until it is told to stop."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine

from rehearsal.errors import RehearsalError


def run_until_stopped(serve: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> int:
    """Run it with an event that SIGTERM and SIGINT set; its exit code.

    0 where it ends by itself, 1 with the reason on stderr after a RehearsalError.
    """
    # httpx would write a line for every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(_with_signals(serve))
    except RehearsalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _with_signals(serve: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(stop)
