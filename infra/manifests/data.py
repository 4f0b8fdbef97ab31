"""Where tasks keep files: on a claim that the stack's pods share, or on each pod's own node."""

from infra import names
from infra.manifests import Manifest
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.models.tier import TIERS

VOLUME = "data"
# A guest's files must not fill a node that its host's pods are on.
_ON_NODE = "2Gi"


def claims_data(config: FleetConfig) -> bool:
    """Whether files are on a claim: always, but for a guest with one worker pod to read them."""
    if not TIERS[config.tier].guest or len(config.workers) > 1:
        return True
    return any(plan(config, name).max_replicas > 1 for name in config.workers)


def data_claim(config: FleetConfig) -> Manifest:
    """Spec of the claim for data that tasks share: datasets, scrapes, checkpoints."""
    return {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": config.cluster.storage_class,
        "resources": {"requests": {"storage": config.cluster.storage}},
    }


def data_volume(config: FleetConfig) -> Manifest:
    """The volume of every pod; one on the node goes with its pod, and evicts it above its size."""
    if claims_data(config):
        return {"name": VOLUME, "persistentVolumeClaim": {"claimName": names.DATA}}
    return {"name": VOLUME, "emptyDir": {"sizeLimit": _ON_NODE}}
