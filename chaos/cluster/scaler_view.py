"""KEDA's own way to the broker, so that it alone can be cut."""

import httpx

from chaos.broker import Endpoint
from chaos.processes import Processes
from fleet.kubernetes import Cluster
from infra import names
from infra.manifests.scaled_object import trigger_authentication
from rehearsal.control_plane.certificates import Pair
from rehearsal.layout import Layout

_SECRET = "scaler-broker"  # noqa: S105 - its name


def open_scaler_view(
    cluster: Cluster, server: httpx.Client, layout: Layout, namespace: str, processes: Processes
) -> Endpoint:
    """Start a TLS endpoint before the rehearsal's broker, and lead KEDA there alone.

    Args:
        cluster: the rehearsal's, for reads.
        server: its API server, for writes.
        layout: where its broker and its certificates are.
        namespace: of the worker and its TriggerAuthentication.
        processes: of the run.

    """
    (upstream,) = layout.broker.glob("*/broker.sock")
    pair = Pair(layout.certificates / "broker.crt", layout.certificates / "broker.key")
    endpoint = Endpoint("scaler", upstream, pair, processes)
    endpoint.start()
    given = cluster.secret(namespace, names.BROKER) or {}
    contents = {**given, "address": f"127.0.0.1:{endpoint.port}"}
    secret = {"metadata": {"name": _SECRET}, "stringData": contents}
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    # One of an earlier run names a port that nobody listens on.
    server.delete(f"{secrets}/{_SECRET}")
    server.post(secrets, json=secret).raise_for_status()
    path = f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/triggerauthentications/{names.BROKER}"
    headers = {"Content-Type": "application/merge-patch+json"}
    change = {"spec": trigger_authentication(_SECRET)}
    server.patch(path, json=change, headers=headers).raise_for_status()
    return endpoint
