"""How many of a worker's pods may be taken at once when nodes are drained or upgraded."""

from infra.manifests import Manifest
from infra.manifests.labels import selector
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig


def is_budgeted(config: FleetConfig, name: str) -> bool:
    """Whether a budget bounds anything: one pod at a time of one pod at most does not."""
    return plan(config, name).max_replicas > 1


def pod_disruption_budget(config: FleetConfig, name: str) -> Manifest:
    """Spec of a worker's PodDisruptionBudget: one pod at a time, and never none.

    `minAvailable: 1` would hold the node of a single pod for ever. An evicted pod finishes its
    tasks within its grace, and the next one may go as soon as the first one's successor is ready.
    A pod that is not ready does no work, so a broken worker holds no node either. At zero replicas
    there is nothing to take. A spot node waits for nobody: a pod whose turn had not come by the end
    of its notice would be killed, and what it ran would be held until its lease ends.
    """
    spot = config.node_groups[config.workers[name].node_group].spot
    return {
        "maxUnavailable": "100%" if spot else 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": selector(config.namespace, "worker", name)},
    }
