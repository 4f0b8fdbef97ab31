"""Stand-ins of the kinds that Prometheus' operator brings: taken and kept, never acted on."""

import json

from rehearsal.control_plane.platform_objects import PlatformObject

_GROUP = "monitoring.coreos.com"
_KINDS = {
    "prometheusrules": ("PrometheusRule", "v1"),
    "podmonitors": ("PodMonitor", "v1"),
    "alertmanagerconfigs": ("AlertmanagerConfig", "v1alpha1"),
}

SERVED = {_GROUP: frozenset(_KINDS)}
"""Plurals by API group that the API server has to serve."""


def metrics_kinds() -> list[PlatformObject]:
    """A definition of each kind; whatever its spec holds is taken."""
    return [_definition(plural, *told) for plural, told in _KINDS.items()]


def _definition(plural: str, kind: str, version_name: str) -> PlatformObject:
    name = f"{plural}.{_GROUP}"
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": version_name,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    manifest = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": _GROUP,
            "scope": "Namespaced",
            "names": {
                "plural": plural,
                "singular": kind.lower(),
                "kind": kind,
                "listKind": f"{kind}List",
            },
            "versions": [version],
        },
    }
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
    return PlatformObject(path, json.dumps(manifest))
