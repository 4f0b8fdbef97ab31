"""What happens next: simulated time and the actions due in it."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any


class Agenda:
    """A clock that jumps from one action to the next; equal times keep their order."""

    __slots__ = ("_due", "_numbers", "_stopped", "now_s")

    def __init__(self) -> None:
        self.now_s = 0.0
        self._due: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._numbers = count()
        self._stopped = False

    def at(self, time_s: float, action: Callable[..., object], *args: object) -> None:
        """Run `action(*args)` at `time_s`, which is not before now."""
        heappush(self._due, (time_s, next(self._numbers), action, args))

    def stop(self) -> None:
        """End `run` after the present action."""
        self._stopped = True

    def run(self, arrivals_s: Sequence[float], arrive: Callable[[int], None]) -> None:
        """Call `arrive(i)` at each of the ascending `arrivals_s`, and every action when due.

        Arrivals stay out of the heap, which halves its work; they come before actions due at the
        same time.
        """
        due, total, index = self._due, len(arrivals_s), 0
        while not self._stopped and (due or index < total):
            if index < total and (not due or arrivals_s[index] <= due[0][0]):
                self.now_s = arrivals_s[index]
                arrive(index)
                index += 1
                continue
            self.now_s, _, action, args = heappop(due)
            action(*args)
