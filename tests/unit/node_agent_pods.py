"""Pods for the node agent's tests, as the API server would show them."""

from collections.abc import Mapping
from typing import Any

from rehearsal.node_agent.model.pod import Container, Pod
from rehearsal.node_agent.rules.downward import PodFacts
from rehearsal.node_agent.rules.records import ContainerRecord, PodRecord, Terminated


def container(**fields: Any) -> Container:
    return Container.model_validate({"name": "main", "image": "a/b:1", "command": ["x"], **fields})


def pod(*, metadata: dict[str, Any] | None = None, **spec: Any) -> Pod:
    """A pod of one container, unless `spec` says otherwise."""
    return Pod.model_validate(
        {
            "metadata": {"name": "p", "namespace": "n", "uid": "u", **(metadata or {})},
            "spec": {
                "nodeName": "node-1",
                "containers": [{"name": "main", "image": "a/b:1", "command": ["x"]}],
                **spec,
            },
        }
    )


def facts(of: Pod | None = None, allocatable: Mapping[str, str] | None = None) -> PodFacts:
    return PodFacts(of or pod(), "127.77.0.1", "127.0.0.1", allocatable or {})


def record(*containers: ContainerRecord) -> PodRecord:
    found = containers or (ContainerRecord(name="main", image="a/b:1"),)
    return PodRecord(
        namespace="n", name="p", uid="u", ip="127.77.0.1", started_at=1000.0, containers=found
    )


def ended(exit_code: int, **fields: Any) -> Terminated:
    return Terminated(
        exit_code=exit_code, reason="Error", started_at=1000.0, finished_at=1010.0, **fields
    )
