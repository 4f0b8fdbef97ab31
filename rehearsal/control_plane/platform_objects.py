"""What a platform team would have put into the cluster before any stack arrives."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.control_plane.credentials import ADAPTER_HOST
from rehearsal.control_plane.keda import NAMESPACE as KEDA_NAMESPACE

PLATFORM_NAMESPACE = "rehearsal"
"""Where the connection secrets of shared services lie."""

STORAGE_CLASS = "rehearsal"
PROVISIONER = "celery-fleet.dev/rehearsal"
EXTERNAL_METRICS = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"


@dataclass(frozen=True)
class PlatformObject:
    """A manifest (YAML or JSON) and the API path it is applied to."""

    path: str
    manifest: str


def namespaces() -> list[PlatformObject]:
    """KEDA's namespace and the platform's own."""
    return [
        _object(
            f"/api/v1/namespaces/{name}",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        )
        for name in (KEDA_NAMESPACE, PLATFORM_NAMESPACE)
    ]


def custom_kinds(folder: Path) -> dict[str, frozenset[str]]:
    """Map each API group of KEDA's definitions to the plurals it has to serve."""
    pairs = [_group_and_plural(file) for file in folder.glob("*.yaml")]
    return {
        group: frozenset(plural for other, plural in pairs if other == group) for group, _ in pairs
    }


def _group_and_plural(file: Path) -> tuple[str, str]:
    """Read them off the file's name: controller-gen writes `<group>_<plural>.yaml`."""
    group, _, plural = file.stem.partition("_")
    return group, plural


def custom_resources(folder: Path) -> list[PlatformObject]:
    """KEDA's definitions, as they are."""
    found = []
    for file in sorted(folder.glob("*.yaml")):
        group, plural = _group_and_plural(file)
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}"
        found.append(PlatformObject(path, file.read_text()))
    return found


def storage_class() -> PlatformObject:
    """The default class; the node agent provisions its volumes."""
    return _object(
        f"/apis/storage.k8s.io/v1/storageclasses/{STORAGE_CLASS}",
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
        },
    )


def broker_secret(connection: dict[str, str]) -> PlatformObject:
    """The broker's address and credentials, as platform teams publish a connection."""
    encoded = {
        key: base64.b64encode(value.encode()).decode("ascii") for key, value in connection.items()
    }
    return _object(
        f"/api/v1/namespaces/{PLATFORM_NAMESPACE}/secrets/broker",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "broker", "namespace": PLATFORM_NAMESPACE},
            "type": "Opaque",
            "data": encoded,
        },
    )


def external_metrics(port: int, authority_pem: bytes, checked_at: str) -> list[PlatformObject]:
    """The API that the autoscaler reads KEDA's metrics from, and the Service in between.

    `checked_at` changes with every start: the API server then asks the adapter at once,
    where its own back-off, up to 30 s by then, would have to pass first.
    """
    service, namespace, _ = ADAPTER_HOST.split(".")
    address = {"name": service, "namespace": namespace, "port": port}
    return [
        _adapter_service(service, namespace, port),
        _api_service(address, base64.b64encode(authority_pem).decode("ascii"), checked_at),
    ]


def _adapter_service(name: str, namespace: str, port: int) -> PlatformObject:
    return _object(
        f"/api/v1/namespaces/{namespace}/services/{name}",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "type": "ExternalName",
                "externalName": "localhost",
                "ports": [{"name": "https", "port": port}],
            },
        },
    )


def _api_service(address: dict[str, Any], authority: str, checked_at: str) -> PlatformObject:
    return _object(
        EXTERNAL_METRICS,
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {
                "name": "v1beta1.external.metrics.k8s.io",
                "annotations": {"celery-fleet.dev/checked-at": checked_at},
            },
            "spec": {
                "group": "external.metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "caBundle": authority,
                "service": address,
            },
        },
    )


def _object(path: str, manifest: dict[str, Any]) -> PlatformObject:
    return PlatformObject(path, json.dumps(manifest))
