"""How long a pod takes to start, and the nodes it starts on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeGroup:
    """Nodes launched for this worker's pods alone.

    A node pulls the image once, when its first pod comes. Warm nodes are never released and hold
    the image from the beginning.
    """

    launch_s: float
    pods_per_node: int = 1
    image_pull_s: float = 0.0
    warm_nodes: int = 0
    idle_release_s: float = 300.0
    """Seconds a node stays empty before it is given back."""

    def __post_init__(self) -> None:
        """Refuse a node that holds no pod.

        Raises:
            ValueError: fewer than one pod per node, or a negative number.

        """
        if self.pods_per_node < 1:
            raise ValueError(f"podsPerNode is {self.pods_per_node}; a node holds at least one pod")
        if min(self.launch_s, self.image_pull_s, self.warm_nodes, self.idle_release_s) < 0:
            raise ValueError(f"seconds and nodes are at least 0, not {self}")


@dataclass(frozen=True)
class Infrastructure:
    """What a new pod waits for before it takes a task."""

    pod_start_s: float
    """From image on the node to a worker that asks for tasks: mostly Python's imports."""
    nodes: NodeGroup | None = None
    """None: a cluster shared with others, where every pod finds room and its image at once."""

    @property
    def cold_start_s(self) -> float:
        """Seconds from a pod's creation to its first task where no node has room."""
        if self.nodes is None:
            return self.pod_start_s
        return self.nodes.launch_s + self.nodes.image_pull_s + self.pod_start_s
