"""The machines of the stand-in's cloud: under way, and there."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from rehearsal.control_plane.files import write_if_changed
from rehearsal.layout import Layout
from rehearsal.spec import LaunchedNodes, NodeGroup, NodeSpec

_log = logging.getLogger(__name__)


@dataclass
class Machines:
    """The nodes of each group, by number; what is there is in a file that the node agent follows.

    A boot that was under way when the autoscaler stopped is begun again where a pod still waits.
    """

    layout: Layout
    groups: tuple[NodeGroup, ...]
    _there: dict[str, set[int]] = field(init=False)
    _due_s: dict[tuple[str, int], float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Take up what an earlier run has launched, and fill each group to its minimum."""
        kept = self.layout.read_launched_nodes().numbers
        self._there = {
            group.name: _filled(group, kept.get(group.name, ())) for group in self.groups
        }
        self._write()

    @property
    def numbers(self) -> Mapping[str, frozenset[int]]:
        """Of all nodes by group, those under way included."""
        return {
            name: frozenset(there | {number for group, number in self._due_s if group == name})
            for name, there in self._there.items()
        }

    def nodes(self) -> Iterator[NodeSpec]:
        """Every node, those under way included."""
        for group in self.groups:
            yield from (group.node(number) for number in sorted(self.numbers[group.name]))

    def adopt(self, groups: tuple[NodeGroup, ...]) -> None:
        """Go on with these groups: new ones are filled, nodes of former ones are gone."""
        if groups == self.groups:
            return
        self.groups = groups
        names = {group.name for group in groups}
        self._there = {
            group.name: _filled(group, self._there.get(group.name, ())) for group in groups
        }
        self._due_s = {key: due_s for key, due_s in self._due_s.items() if key[0] in names}
        self._write()

    def launch(self, group: NodeGroup, number: int, now_s: float) -> None:
        """Begin a boot."""
        self._due_s[group.name, number] = now_s + group.launch_s
        _log.info("node %s boots for %.0f s", group.node(number).name, group.launch_s)

    def settle(self, now_s: float) -> None:
        """Let those be there whose boot is over."""
        for (name, number), due_s in list(self._due_s.items()):
            if due_s <= now_s:
                del self._due_s[name, number]
                self._there[name].add(number)
        self._write()

    def remove(self, node: str) -> None:
        """Give a node back."""
        for group in self.groups:
            self._there[group.name] = {
                number for number in self._there[group.name] if group.node(number).name != node
            }
        _log.info("node %s is given back", node)
        self._write()

    def _write(self) -> None:
        numbers = {name: tuple(sorted(there)) for name, there in self._there.items()}
        content = LaunchedNodes(numbers=numbers).model_dump_json()
        write_if_changed(self.layout.launched_nodes_file, content)


def _filled(group: NodeGroup, kept: Iterable[int]) -> set[int]:
    """The nodes kept, as far as the group's bounds let them be, and those at rest."""
    numbers = sorted(kept)[: group.maximum]
    missing = (number for number in range(group.minimum) if number not in numbers)
    return {*numbers, *islice(missing, max(0, group.minimum - len(numbers)))}
