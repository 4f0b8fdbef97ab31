"""Repeats a call until the API server has answered it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rehearsal.node_agent.api.errors import ApiUnreachableError

_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0

T = TypeVar("T")


async def until_answered(call: Callable[[], Awaitable[T]]) -> T:
    """Wait out an unreachable server; a refusal is an answer and is raised."""
    delay_s = _FIRST_DELAY_S
    while True:
        try:
            return await call()
        except ApiUnreachableError:
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
