"""The rehearsal this AWS belongs to: its API server, its broker, its node groups."""

import base64
import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from rehearsal.control_plane.files import write_atomically
from rehearsal.layout import Layout


@dataclass(frozen=True)
class NodeGroup:
    """A node group as the stage's node autoscaler takes it."""

    name: str
    minimum: int
    maximum: int
    capacity: dict[str, str]
    """Kubernetes quantities by resource."""
    labels: dict[str, str]
    taints: tuple[dict[str, str], ...] = ()


@dataclass
class Stage:
    """What there is of a rehearsal; without one, AWS's answers point nowhere."""

    root: Path | None = None
    launch_s: float = 8.0
    """From the decision for a new node to the machine being there."""
    idle_s: float = 10.0
    """How long a node without pods is kept."""
    _groups: dict[str, NodeGroup] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def api_server(self) -> str:
        """The URL of the rehearsal's API server; empty where none runs."""
        return str(self._cluster().get("server", ""))

    def certificate_authority(self) -> str:
        """The API server's authority, as EKS gives it: PEM in base64."""
        cluster = self._cluster()
        if data := cluster.get("certificate-authority-data"):
            return str(data)
        file = cluster.get("certificate-authority")
        if not file or self.root is None:
            return ""
        return base64.b64encode((self.root / str(file)).read_bytes()).decode()

    def empty(self) -> None:
        """Forget the node groups of an earlier process, whose other state ended with it."""
        with self._lock:
            self._groups.clear()
            self._write()

    def keep(self, group: NodeGroup) -> None:
        """Let the stage have this node group, or its new sizes."""
        with self._lock:
            self._groups[group.name] = group
            self._write()

    def drop(self, name: str) -> None:
        with self._lock:
            self._groups.pop(name, None)
            self._write()

    def _write(self) -> None:
        if self.root is None:
            return
        pace = {"launch_s": self.launch_s, "idle_s": self.idle_s}
        groups = [asdict(group) | pace for _, group in sorted(self._groups.items())]
        write_atomically(Layout(self.root).cloud_node_groups_file, json.dumps(groups, indent=1))

    def _cluster(self) -> dict[str, object]:
        file = self.root / "kubeconfig" if self.root else None
        if file is None or not file.exists():
            return {}
        found: dict[str, object] = yaml.safe_load(file.read_text())["clusters"][0]["cluster"]
        return found


STAGE = Stage()
"""Of this process."""
