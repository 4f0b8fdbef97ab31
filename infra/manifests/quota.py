"""How many pods a namespace may have, and what one of them may take: bounds of a preview.

Counted from the very pods that the stack renders, so that none of them is refused. CPU and memory
are bounded for each pod, not in all: one that drains counts until it is gone (Kubernetes' pod
evaluator), up to half an hour, with what it asked for when it was made. A sum that shrinks
with its stack would be used up by it, and let not even API and beat be replaced.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from infra.manifests import Manifest
from infra.manifests.container import GPU
from infra.manifests.data import claims_data
from infra.manifests.deployment import (
    api_deployment,
    beat_deployment,
    janitor_deployment,
    worker_deployment,
)
from infra.manifests.redis_exporter import redis_exporter_deployment
from infra.manifests.service import has_service
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.models.placement import mebibytes, millicores

_AMOUNTS: Mapping[str, Callable[[str], int]] = {"cpu": millicores, "memory": mebibytes, GPU: int}
_UNITS = {"cpu": "m", "memory": "Mi"}
# A pod that drains counts beside the one that takes its place; a Deployment that recreates has one
# at a time.
_BOTH_OF_A_ROLLOUT = 2
# Of a worker: one that serves, and those that a branch's quick pushes left with a long task.
_REVISIONS = 4


@dataclass(frozen=True)
class Pods:
    """Pods of one Deployment, as many as may be there at once."""

    spec: Manifest
    """Of its pod template."""
    at_rest: int
    most: int
    in_rollouts: int
    """Likewise, while new ones replace those that drain."""

    def amount(self, kind: str, resource: str) -> int:
        """Requests or limits of one pod: millicores, MiB, GPUs."""
        read = _AMOUNTS[resource]
        asked = (each["resources"][kind].get(resource) for each in self.spec["containers"])
        return sum(read(quantity) for quantity in asked if quantity is not None)


def pods(config: FleetConfig) -> Iterator[Pods]:
    """Every Deployment of the stack, by its pods."""
    for name in config.workers:
        bounds = plan(config, name)
        most = bounds.max_replicas
        spec = worker_deployment(config, name)
        yield _pods(spec, bounds.min_replicas, most, most * _REVISIONS)
    yield _pods(beat_deployment(config), 1, 1, 1)
    yield _pods(janitor_deployment(config), 1, 1, 1)
    replicas = config.api.replicas
    yield _pods(api_deployment(config), replicas, replicas, replicas * _BOTH_OF_A_ROLLOUT)
    if config.monitoring.redis_exporter:
        yield _pods(redis_exporter_deployment(config), 1, 1, _BOTH_OF_A_ROLLOUT)


def resource_quota(config: FleetConfig) -> Manifest:
    """Spec of the ResourceQuota: every worker at its maximum, and what of it still drains."""
    every = list(pods(config))
    gpus = sum(each.amount("requests", GPU) * each.most for each in every)
    claims = claims_data(config)
    return {
        "hard": {
            # Of an extended resource Kubernetes bounds requests only, which its limits equal. Pods
            # that ask for none are let in, whatever is used of it.
            f"requests.{GPU}": str(gpus * _BOTH_OF_A_ROLLOUT),
            "pods": str(sum(each.in_rollouts for each in every)),
            "persistentvolumeclaims": str(int(claims)),
            "requests.storage": config.cluster.storage if claims else "0",
            "services": str(int(has_service(config))),
            # Either would open the preview to others than the base's own callers.
            "services.nodeports": "0",
            "services.loadbalancers": "0",
        }
    }


def limit_range(config: FleetConfig) -> Manifest:
    """Spec of the LimitRange: no pod above the stack's largest; the least where none asks."""
    every = list(pods(config))

    def written(kind: str, resource: str, *, largest: bool) -> str:
        amounts = [each.amount(kind, resource) for each in every]
        return f"{(max if largest else min)(amounts)}{_UNITS[resource]}"

    def both(kind: str, *, largest: bool) -> Mapping[str, str]:
        return {each: written(kind, each, largest=largest) for each in ("cpu", "memory")}

    return {
        "limits": [
            {
                "type": "Container",
                "default": both("limits", largest=False),
                "defaultRequest": both("requests", largest=False),
                "max": both("limits", largest=True),
            },
            # Of all its containers together, else a pod could have any number of them.
            {"type": "Pod", "max": both("limits", largest=True)},
        ]
    }


def _pods(deployment: Manifest, at_rest: int, most: int, in_rollouts: int) -> Pods:
    return Pods(deployment["template"]["spec"], at_rest, most, in_rollouts)
