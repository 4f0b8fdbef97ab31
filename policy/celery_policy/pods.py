"""Pods of a stack: where each kind of workload keeps its template, and what runs in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from celery_policy.processes import Process, process
from celery_policy.resource import Resource, Stack
from celery_policy.rule import Finding
from celery_policy.tree import Node, NotKnownError

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"

_TEMPLATES = {
    DEPLOYMENT: ("spec", "template"),
    STATEFUL_SET: ("spec", "template"),
    DAEMON_SET: ("spec", "template"),
    "kubernetes:apps/v1:ReplicaSet": ("spec", "template"),
    "kubernetes:batch/v1:Job": ("spec", "template"),
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template"),
    "kubernetes:core/v1:Pod": (),
}
WORKLOADS = frozenset(_TEMPLATES)
"""Kinds that make pods. Pods of Helm charts are not among a stack's resources."""
SCALABLE = frozenset({DEPLOYMENT, STATEFUL_SET})


def template(resource: Resource) -> Node:
    """Metadata and spec of a workload's pods."""
    node = resource.root
    for key in _TEMPLATES[resource.type]:
        node = node[key]
    return node


def pod_spec(resource: Resource) -> Node:
    return template(resource)["spec"]


def containers(spec: Node) -> list[Node]:
    """Containers, those that run first included."""
    return [*spec["initContainers"].items(), *spec["containers"].items()]


def named(container: Node) -> str:
    """How a message calls a container."""
    return f"container {container['name'].text or container.path!r}"


def namespace(resource: Resource) -> str:
    return resource.root["metadata"]["namespace"].text or "default"


def object_name(resource: Resource) -> str:
    """Name in the cluster; Pulumi's own, where the program leaves it to Pulumi."""
    return resource.root["metadata"]["name"].text or resource.name


@dataclass(frozen=True)
class CeleryWorkload:
    """A workload of which one container is a Celery worker or beat."""

    resource: Resource
    container: Node
    process: Process

    @property
    def spec(self) -> Node:
        return pod_spec(self.resource)

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and name in the cluster."""
        return namespace(self.resource), object_name(self.resource)

    @property
    def labels(self) -> dict[str, str]:
        return template(self.resource)["metadata"]["labels"].texts()

    def variable(self, name: str) -> str | None:
        """A literal environment variable."""
        for each in self.container["env"].items():
            if each["name"].text == name and each["value"].is_given:
                return each["value"].text
        return None


def celery_in(resource: Resource) -> Iterator[CeleryWorkload]:
    """Celery's containers of one workload."""
    for container in pod_spec(resource)["containers"].items():
        if (found := process(container)) is not None:
            yield CeleryWorkload(resource, container, found)


def celery_of(stack: Stack) -> tuple[list[CeleryWorkload], list[Finding]]:
    """Celery's workloads of a stack, and those of which it is not known yet what they run."""
    found: list[CeleryWorkload] = []
    unclear: list[Finding] = []
    for resource in stack.of(WORKLOADS):
        try:
            found += celery_in(resource)
        except NotKnownError as error:
            unclear.append(Finding(str(error), resource, is_known=False))
    return found, unclear


def workers_of(stack: Stack) -> tuple[list[CeleryWorkload], list[Finding]]:
    """Workers of a stack, likewise."""
    found, unclear = celery_of(stack)
    return [each for each in found if each.process.kind == "worker"], unclear
