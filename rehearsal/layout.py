"""Where a rehearsal keeps its files, below one state folder."""

import json
from dataclasses import dataclass
from pathlib import Path

from rehearsal.spec import LaunchedNodes, NodeGroup, RehearsalSpec


@dataclass(frozen=True)
class Layout:
    """The state folder of one rehearsal; nothing is written outside it."""

    root: Path

    @property
    def spec_file(self) -> Path:
        return self.root / "spec.json"

    @property
    def launched_nodes_file(self) -> Path:
        """Written by the node autoscaler, followed by the node agent."""
        return self.root / "launched-nodes.json"

    @property
    def cloud_node_groups_file(self) -> Path:
        """Written by AWS's stand-in, followed by the node autoscaler and the node agent."""
        return self.root / "cloud-node-groups.json"

    @property
    def node_autoscaler_heartbeat(self) -> Path:
        """Touched every second or so."""
        return self.root / "node-autoscaler.heartbeat"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pods(self) -> Path:
        """One folder per pod: logs and mounted volumes."""
        return self.root / "pods"

    @property
    def volumes(self) -> Path:
        """One folder per PersistentVolumeClaim; outlives the pods."""
        return self.root / "volumes"

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    def read_spec(self) -> RehearsalSpec:
        return RehearsalSpec.model_validate(json.loads(self.spec_file.read_text()))

    def read_staged(self) -> RehearsalSpec:
        """Read the specification, with the node groups that AWS's stand-in has by now."""
        spec = self.read_spec()
        file = self.cloud_node_groups_file
        if not spec.aws or not file.exists():
            return spec
        groups = json.loads(file.read_text())
        return spec.with_groups(NodeGroup.model_validate(group) for group in groups)

    def read_launched_nodes(self) -> LaunchedNodes:
        """Read what the node autoscaler has launched; nothing where none ever ran."""
        try:
            return LaunchedNodes.model_validate_json(self.launched_nodes_file.read_text())
        except FileNotFoundError:
            return LaunchedNodes()
