"""Which nodes to launch for the pods that have no place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rehearsal.node_agent.model.pod import Pod
from rehearsal.node_autoscaler.room import Room
from rehearsal.spec import NodeGroup


@dataclass
class GroupPlan:
    """How one group grows, and for which pods."""

    group: NodeGroup
    before: int
    numbers: list[int] = field(default_factory=list)
    """Of the nodes to launch."""
    pods: list[Pod] = field(default_factory=list)

    @property
    def told(self) -> str:
        """As the Cluster Autoscaler's events have it."""
        after = self.before + len(self.numbers)
        return f"{{{self.group.name} {self.before}->{after} (max: {self.group.maximum})}}"


@dataclass(frozen=True)
class ScaleUp:
    """What is launched, and whom no launch would help."""

    groups: list[GroupPlan]
    helpless: list[tuple[Pod, str]]
    """Pods with the reasons, group by group."""


def plan_scale_up(
    pending: Iterable[Pod],
    rooms: Sequence[Room],
    groups: Iterable[NodeGroup],
    numbers: Mapping[str, frozenset[int]],
) -> ScaleUp:
    """Fill what is there and under way first; launch the fewest nodes for the rest.

    `rooms` are of nodes that are there or under way, and are filled; `numbers` are of the nodes
    that each group has, under way or leaving ones included.
    """
    plans = [GroupPlan(group, len(numbers.get(group.name, ()))) for group in groups]
    result = ScaleUp(plans, [])
    rooms = list(rooms)
    for pod in pending:
        room = next((room for room in rooms if room.problem(pod) is None), None)
        if room is None:
            room, reasons = _launch(pod, plans, numbers)
            if room is None:
                result.helpless.append((pod, reasons))
                continue
            rooms.append(room)
        room.take(pod)
        for plan in plans:
            if room.node in {plan.group.node(number).name for number in plan.numbers}:
                plan.pods.append(pod)
    return result


def _launch(
    pod: Pod, plans: Iterable[GroupPlan], numbers: Mapping[str, frozenset[int]]
) -> tuple[Room | None, str]:
    """A new node for the pod, in the first group that has one; else the reasons."""
    reasons = []
    for plan in plans:
        taken = numbers.get(plan.group.name, frozenset()).union(plan.numbers)
        number = next(n for n in range(len(taken) + 1) if n not in taken)
        room = Room.of_new(plan.group.node(number))
        problem = room.problem(pod)
        if problem is None and len(taken) >= plan.group.maximum:
            problem = "max node group size reached"
        if problem is None:
            plan.numbers.append(number)
            return room, ""
        reasons.append(f"{plan.group.name}: {problem}")
    return None, "; ".join(reasons)
