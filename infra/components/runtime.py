"""What one component hands to the next: values and resources that exist only during `up`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import Input, Output, Resource

from infra.manifests.container import BUILT

BROKER_CHECKSUM = "celery-fleet.dev/broker-checksum"


@dataclass(frozen=True)
class PodRuntime:
    """What every pod of the fleet needs before it can start."""

    needs: tuple[Resource, ...]
    """Namespace, Secret, ConfigMap and claim that the pods mount or read."""
    broker_checksum: Output[str]
    """Changes with the broker's address or credentials."""
    images: Mapping[str, Output[str]] = field(default_factory=dict)
    """Reference by flavour of the images that this stack builds."""


def completed(spec: Mapping[str, Any], runtime: PodRuntime) -> dict[str, Any]:
    """A Deployment spec with what is known only during `up`: checksum and built image."""
    whole = with_broker_checksum(spec, runtime.broker_checksum)
    pod = whole["template"]["spec"]
    containers = [_with_image(container, runtime.images) for container in pod["containers"]]
    template = {**whole["template"], "spec": {**pod, "containers": containers}}
    return {**whole, "template": template}


def _with_image(
    container: Mapping[str, Any], images: Mapping[str, Output[str]]
) -> Mapping[str, Any]:
    if not container["image"].startswith(BUILT):
        return container
    return {**container, "image": images[container["image"].removeprefix(BUILT)]}


def with_broker_checksum(spec: Mapping[str, Any], checksum: Input[str]) -> dict[str, Any]:
    """A Deployment spec whose pods are rolled when the broker's Secret changes."""
    template = spec["template"]
    metadata = template["metadata"]
    annotations = {**metadata["annotations"], BROKER_CHECKSUM: checksum}
    return {
        **spec,
        "template": {**template, "metadata": {**metadata, "annotations": annotations}},
    }
