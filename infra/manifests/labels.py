"""One set of labels for selectors, pods and whoever runs `kubectl get -l`."""

from typing import Literal

from infra.manifests import Manifest

Component = Literal[
    "worker",
    "beat",
    "janitor",
    "api",
    "broker",
    "settings",
    "alerts",
    "dashboards",
    "redis-exporter",
    "network",
]
COMPONENT_LABEL = "app.kubernetes.io/component"
WORKER_LABEL = "celery-fleet.dev/worker"


def labels(namespace: str, component: Component, worker: str | None = None) -> dict[str, str]:
    """Labels of every object of the fleet."""
    return selector(namespace, component, worker) | {
        "app.kubernetes.io/part-of": "celery-fleet",
        "app.kubernetes.io/managed-by": "pulumi",
    }


def fleet_selector(namespace: str) -> dict[str, str]:
    """The labels that select all pods of a fleet."""
    return {"app.kubernetes.io/name": "celery", "app.kubernetes.io/instance": namespace}


def selector(namespace: str, component: Component, worker: str | None = None) -> dict[str, str]:
    """The labels that select a component's pods; they never change for an object."""
    common = fleet_selector(namespace) | {COMPONENT_LABEL: component}
    return common if worker is None else common | {WORKER_LABEL: worker}


def metadata(
    name: str, namespace: str, component: Component, worker: str | None = None
) -> Manifest:
    """Metadata of a namespaced object."""
    return {
        "name": name,
        "namespace": namespace,
        "labels": labels(namespace, component, worker),
    }
