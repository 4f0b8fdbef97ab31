"""A pod, as far as the node agent acts on it."""

from collections.abc import Mapping
from typing import Literal

from rehearsal.node_agent.model.base import JsonObject, Metadata, Read
from rehearsal.node_agent.model.environment import EnvFrom, EnvVar
from rehearsal.node_agent.model.probe import Lifecycle, Probe
from rehearsal.node_agent.model.volume import Volume, VolumeMount

RestartPolicy = Literal["Always", "OnFailure", "Never"]


class ContainerPort(Read):
    container_port: int
    name: str = ""


class Resources(Read):
    limits: Mapping[str, str] = {}
    requests: Mapping[str, str] = {}


class Container(Read):
    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    resources: Resources = Resources()
    volume_mounts: tuple[VolumeMount, ...] = ()
    startup_probe: Probe | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    lifecycle: Lifecycle = Lifecycle()
    restart_policy: RestartPolicy | None = None
    """Set on an init container, it makes a sidecar of it."""


class ReadinessGate(Read):
    condition_type: str


class Toleration(Read):
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    """Empty stands for every effect."""


class PodSpec(Read):
    node_name: str = ""
    node_selector: Mapping[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    affinity: JsonObject | None = None
    hostname: str = ""
    service_account_name: str = ""
    restart_policy: RestartPolicy = "Always"
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    init_containers: tuple[Container, ...] = ()
    containers: tuple[Container, ...]
    volumes: tuple[Volume, ...] = ()
    readiness_gates: tuple[ReadinessGate, ...] = ()


class Condition(Read):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class PodStatus(Read):
    phase: str = "Pending"
    conditions: tuple[Condition, ...] = ()


class Pod(Read):
    metadata: Metadata
    spec: PodSpec
    status: PodStatus = PodStatus()

    @property
    def key(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def folder_name(self) -> str:
        """The uid keeps a pod apart from its successor of the same name, as StatefulSets have."""
        meta = self.metadata
        return f"{meta.namespace}_{meta.name}_{meta.uid}"
