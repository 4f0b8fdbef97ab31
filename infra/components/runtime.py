"""What one component hands to the next: values and resources that exist only during `up`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import Input, Output, Resource
from pulumi_kubernetes.core.v1 import Secret

from infra.manifests.broker import BROKER_CHECKSUM
from infra.manifests.container import BUILT

Images = Mapping[str, Output[str]]
"""Reference by flavour of the images that a stack builds."""

TOKEN_CHECKSUM = "celery-fleet.dev/token-checksum"  # noqa: S105 - an annotation's name


@dataclass(frozen=True)
class PodRuntime:
    """What every pod of the fleet needs before it can start."""

    needs: tuple[Resource, ...]
    """Namespace, Secret, ConfigMap and claim that the pods mount or read."""
    broker_checksum: Output[str]
    """Changes with the broker's address or credentials."""
    images: Images = field(default_factory=dict)


@dataclass(frozen=True)
class Login:
    """A Secret with an address and a login, for a pod that reads no more of it."""

    secret: Secret
    checksum: Output[str]
    """Changes with either."""


def completed(spec: Mapping[str, Any], runtime: PodRuntime) -> dict[str, Any]:
    """A Deployment spec with what is known only during `up`: checksum and built image."""
    whole = annotated(spec, BROKER_CHECKSUM, runtime.broker_checksum)
    pod = whole["template"]["spec"]
    containers = [
        {**container, "image": reference(container["image"], runtime.images)}
        for container in pod["containers"]
    ]
    template = {**whole["template"], "spec": {**pod, "containers": containers}}
    return {**whole, "template": template}


def reference(image: str, images: Images) -> Input[str]:
    """An image's reference as `container.image` has it, or what became of its build."""
    return images[image.removeprefix(BUILT)] if image.startswith(BUILT) else image


def annotated(spec: Mapping[str, Any], key: str, value: Input[str]) -> dict[str, Any]:
    """A Deployment spec whose pods carry one more annotation, and are rolled when it changes."""
    template = spec["template"]
    metadata = template["metadata"]
    annotations = {**metadata["annotations"], key: value}
    return {
        **spec,
        "template": {**template, "metadata": {**metadata, "annotations": annotations}},
    }
