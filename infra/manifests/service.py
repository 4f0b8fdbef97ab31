"""The HTTP API's address in the cluster."""

from infra.manifests import Manifest
from infra.manifests.labels import selector
from infra.models.fleet import FleetConfig
from infra.models.tier import TIERS


def has_service(config: FleetConfig) -> bool:
    """Whether the API has an address: always, but for a guest that nobody may call by it."""
    policy = config.network_policy
    return not TIERS[config.tier].guest or bool(policy.callers) or not policy.enabled


def api_service(config: FleetConfig) -> Manifest:
    """Spec of the Service."""
    return {
        "selector": selector(config.namespace, "api"),
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
    }
