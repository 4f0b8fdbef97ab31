"""Which nodes to remove: those without pods for long enough."""

from collections.abc import Iterable, Iterator, Mapping

from rehearsal.spec import NodeGroup


class IdleClock:
    """Since when each node has been without pods, in seconds of one clock."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] = {}

    def note(self, empty: Iterable[str], now_s: float) -> None:
        """Take in which nodes are empty now; all others are in use, or gone."""
        self._since_s = {name: self._since_s.get(name, now_s) for name in empty}

    def idle_s(self, name: str, now_s: float) -> float:
        return now_s - self._since_s.get(name, now_s)


def removable(
    groups: Iterable[NodeGroup],
    numbers: Mapping[str, frozenset[int]],
    clock: IdleClock,
    now_s: float,
) -> Iterator[str]:
    """Name the nodes that have been empty for long, longest first; each group keeps its minimum."""
    for group in groups:
        names = [group.node(number).name for number in sorted(numbers.get(group.name, ()))]
        names.sort(key=lambda name: -clock.idle_s(name, now_s))
        spare = len(names) - group.minimum
        yield from (
            name for name in names[: max(0, spare)] if 0 < clock.idle_s(name, now_s) >= group.idle_s
        )
