"""Ends a container's main process: hook, SIGTERM, and SIGKILL once the grace is over."""

import signal
import time
from collections.abc import Awaitable, Callable

from rehearsal.node_agent.pods.process import LocalProcess

# kuberuntime_container.go `minimumGracePeriodInSeconds`: a signal is never followed at once.
LEAST_WINDOW_S = 2.0
# A deadline may be brought forward while the process is waited for.
_LOOKS_EVERY_S = 1.0


async def end_process(
    process: LocalProcess,
    deadline_at: Callable[[], float],
    hook: Callable[[float], Awaitable[None]],
) -> None:
    """End the process; `hook` runs before the signal and is given the seconds it may take."""
    await hook(max(LEAST_WINDOW_S, deadline_at() - time.time()))
    process.send(signal.SIGTERM)
    signalled_at = time.time()

    def left_s() -> float:
        return max(deadline_at(), signalled_at + LEAST_WINDOW_S) - time.time()

    while (left := left_s()) > 0:
        if await process.exits_within(min(left, _LOOKS_EVERY_S)):
            return
    process.send(signal.SIGKILL)
