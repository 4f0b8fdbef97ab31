"""Node groups that rest at zero: empty before the tasks, and with a node for those that need it."""

import time
from collections.abc import Callable, Iterator

import httpx

from fleet.deviation import deviation
from fleet.project import Project
from fleet.session import Session
from infra import names
from infra.models.fleet import FleetConfig
from rehearsal.layout import Layout
from rehearsal.node_agent.api.kubeconfig import read_access

_EMPTY_LIMIT_S = 120.0
_EMPTY_FOR_S = 12.0
"""Longer than a node of AWS's stand-in is under way."""
_POLL_S = 0.5
_PATCH = {"Content-Type": "application/merge-patch+json"}


def resting(config: FleetConfig) -> set[str]:
    """Node groups that some worker needs and that keep no node; AWS's names go on after it."""
    groups = {config.workers[worker].node_group for worker in _workers(config)}
    return {f"{config.cluster_name}-{group}" for group in groups}


def of(session: Session, group: str) -> list[str]:
    """Names of a group's nodes."""
    found = session.cluster.items("/api/v1/nodes")
    named = (str(node["metadata"]["name"]) for node in found)
    return sorted(name for name in named if name.startswith(f"{group}-"))


def rest(project: Project, config: FleetConfig) -> None:
    """Take the workers of these groups to zero at once, as `kubectl scale` does.

    A fresh Deployment's one pod wakes a node; KEDA takes the pod after its cooldown, minutes later.
    """
    access = read_access(Layout(project.rehearsal).kubeconfig)
    with httpx.Client(base_url=access.server, verify=access.tls, trust_env=False) as server:
        for worker in _workers(config):
            path = f"/apis/apps/v1/namespaces/{config.namespace}/deployments"
            change = {"spec": {"replicas": 0}}
            url = f"{path}/{names.worker_object(worker)}/scale"
            server.patch(url, json=change, headers=_PATCH).raise_for_status()


def until_empty(session: Session, groups: set[str], tell: Callable[[str], None]) -> None:
    """Wait until these groups have no node, and none under way.

    Raises:
        RehearsalError: they still have one after two minutes.

    """
    deadline, since = time.monotonic() + _EMPTY_LIMIT_S, time.monotonic()
    while time.monotonic() - since < _EMPTY_FOR_S:
        if left := [node for group in groups for node in of(session, group)]:
            since = time.monotonic()
            if since > deadline:
                raise deviation(f"node {left[0]} stays without a task", "none at rest")
        tell(f"waiting for idle nodes to go: {', '.join(left) or 'they are gone'}")
        time.sleep(_POLL_S)


def _workers(config: FleetConfig) -> Iterator[str]:
    for name, worker in config.workers.items():
        if not config.node_groups[worker.node_group].nodes:
            yield name
