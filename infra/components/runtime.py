"""What one component hands to the next: values and resources that exist only during `up`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import Input, Output, Resource

BROKER_CHECKSUM = "celery-fleet.dev/broker-checksum"


@dataclass(frozen=True)
class PodRuntime:
    """What every pod of the fleet needs before it can start."""

    needs: tuple[Resource, ...]
    """Namespace, Secret, ConfigMap and claim that the pods mount or read."""
    broker_checksum: Output[str]
    """Changes with the broker's address or credentials."""


def with_broker_checksum(spec: Mapping[str, Any], checksum: Input[str]) -> dict[str, Any]:
    """A Deployment spec whose pods are rolled when the broker's Secret changes."""
    template = spec["template"]
    metadata = template["metadata"]
    annotations = {**metadata["annotations"], BROKER_CHECKSUM: checksum}
    return {
        **spec,
        "template": {**template, "metadata": {**metadata, "annotations": annotations}},
    }
