"""What a container may learn of its own pod: fieldRef and resourceFieldRef."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rehearsal.node_agent.model.environment import ResourceReference
from rehearsal.node_agent.model.pod import Container, Pod
from rehearsal.node_agent.rules.errors import ContainerConfigError
from rehearsal.node_agent.rules.quantity import in_units_of

_MAP_ITEM = re.compile(r"metadata\.(?P<map>labels|annotations)\['(?P<key>[^']+)'\]")


@dataclass(frozen=True)
class PodFacts:
    """A pod with what its node knows of it."""

    pod: Pod
    ip: str
    host_ip: str
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """The node's; a container without a limit is told these."""


_FIELDS: Mapping[str, Callable[[PodFacts], str]] = {
    "metadata.name": lambda facts: facts.pod.metadata.name,
    "metadata.namespace": lambda facts: facts.pod.metadata.namespace,
    "metadata.uid": lambda facts: facts.pod.metadata.uid,
    "metadata.labels": lambda facts: _lines(facts.pod.metadata.labels),
    "metadata.annotations": lambda facts: _lines(facts.pod.metadata.annotations),
    "spec.nodeName": lambda facts: facts.pod.spec.node_name,
    "spec.serviceAccountName": lambda facts: facts.pod.spec.service_account_name,
    "status.podIP": lambda facts: facts.ip,
    "status.podIPs": lambda facts: facts.ip,
    "status.hostIP": lambda facts: facts.host_ip,
    "status.hostIPs": lambda facts: facts.host_ip,
}


def field_value(facts: PodFacts, path: str) -> str:
    """The value of one fieldPath; a label or annotation that is not there is empty."""
    if match := _MAP_ITEM.fullmatch(path):
        meta = facts.pod.metadata
        values = meta.labels if match["map"] == "labels" else meta.annotations
        return values.get(match["key"], "")
    if path not in _FIELDS:
        raise ContainerConfigError(f"fieldPath {path} is not supported by this stand-in node")
    return _FIELDS[path](facts)


def resource_value(facts: PodFacts, own: Container, reference: ResourceReference) -> str:
    """A container's request or limit in units of the divisor; no limit means the node's size."""
    kind, _, resource = reference.resource.partition(".")
    container = _named(facts.pod, reference.container_name) or own
    declared = container.resources.limits if kind == "limits" else container.resources.requests
    fallback = facts.allocatable.get(resource, "0") if kind == "limits" else "0"
    return str(in_units_of(declared.get(resource, fallback), reference.divisor))


def _named(pod: Pod, name: str) -> Container | None:
    everyone = (*pod.spec.init_containers, *pod.spec.containers)
    return next((c for c in everyone if c.name == name), None)


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{_quoted(values[key])}"' for key in sorted(values))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
