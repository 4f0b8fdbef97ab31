"""Field names that Pulumi cannot spell: x-kubernetes-* of a CustomResourceDefinition's schema.

As in the official provider, inputs keep Kubernetes' spelling and outputs have Pulumi's, which the
SDK's typed classes know.
"""

from rehearsal.plugins.kubernetes_provider.objects import Manifest

# Pulumi's name for each; provider/pkg/provider/provider.go, 4.33.
FIELDS = (
    "embedded-resource",
    "int-or-string",
    "list-map-keys",
    "list-type",
    "map-type",
    "preserve-unknown-fields",
    "validations",
)
TO_PULUMI = {f"x-kubernetes-{field}": f"x_kubernetes_{field.replace('-', '_')}" for field in FIELDS}
TO_KUBERNETES = {pulumi: kubernetes for kubernetes, pulumi in TO_PULUMI.items()}


def for_kubernetes(manifest: Manifest) -> Manifest:
    return _respelled(manifest, TO_KUBERNETES)


def for_pulumi(manifest: Manifest) -> Manifest:
    return _respelled(manifest, TO_PULUMI)


def _respelled(manifest: Manifest, names: dict[str, str]) -> Manifest:
    if manifest.get("kind") != "CustomResourceDefinition":
        return manifest
    return {key: _renamed(value, names) for key, value in manifest.items()}


def _renamed(value: object, names: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value
