"""The single checks of `fleet doctor`; each yields what it looked at, good or bad."""

import platform
import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import redis

from fleet import fleet_state, rehearsal_spec, status
from fleet.kubernetes import condition
from fleet.session import Session
from infra import names
from infra.manifests.broker import lesser_secret
from infra.manifests.deployment import NODE_GROUP_LABEL
from infra.models.broker import ConnectionSecret, ExistingBroker
from infra.models.fleet import FleetConfig
from rehearsal.plugins.install import STAND_INS
from rehearsal.supervisor import client as supervisor
from rehearsal.toolchain import tool_report

_METRICS_API = "v1beta1.external.metrics.k8s.io"
_PING_TIMEOUT_S = 3.0
_PROVISION = "make up, or pulumi up"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; without a problem it is well."""

    subject: str
    problem: str | None = None
    mend: str = ""


def versions(_: Session) -> Iterator[Finding]:
    """Name the Python side's versions."""
    packages = ("pulumi", "pulumi-kubernetes", "celery", "kombu")
    told = ", ".join(f"{package} {version(package)}" for package in packages)
    yield Finding(f"Python {platform.python_version()}, {told}")


def tools(_: Session) -> Iterator[Finding]:
    """Say of each tool which version there is and where from."""
    for tool in tool_report():
        yield Finding(f"{tool.name}: {tool.origin}", tool.problem, "make up builds what is missing")


def plugins(session: Session) -> Iterator[Finding]:
    """Say of each Pulumi plugin whether it is the official one or a stand-in."""
    for name in STAND_INS:
        stand_in = (session.project.plugins / name).is_file()
        yield Finding(f"{name}: {'stand-in' if stand_in else 'official'}")


def stack_file(session: Session) -> Iterator[Finding]:
    """Read the stack file; a wrong one raises."""
    config = session.config
    yield Finding(f"Pulumi.{session.stack}.yaml: {', '.join(config.queues)}")


def rehearsal(session: Session) -> Iterator[Finding]:
    """Look at every process of the stage."""
    stage = supervisor.status(session.project.rehearsal)
    if stage.supervisor is None:
        yield Finding("supervisor", "it does not run", "make up")
    for process in stage.processes:
        problem = process.problem or (None if process.pid else process.state)
        mend = f"make up restarts it; read {process.log}"
        if problem is not None:
            yield Finding(process.name, problem, mend)
        elif process.restarts:
            yield Finding(f"{process.name}, restarted {process.restarts} times; log: {process.log}")
    if stage.healthy:
        ports = ", ".join(f"{name} {port}" for name, port in sorted(stage.ports.items()))
        yield Finding(f"all processes are healthy; ports: {ports}")


def cluster(session: Session) -> Iterator[Finding]:
    """Ask the API server for its nodes and for KEDA's metrics."""
    nodes = session.cluster.items("/api/v1/nodes")
    for node in nodes:
        ready = condition(node, "Ready")
        problem = None if ready.get("status") == "True" else str(ready.get("message") or "unknown")
        yield Finding(
            f"node {node['metadata']['name']}", problem, "make up restarts the node agent"
        )
    yield from _elastic_groups(session, [str(node["metadata"]["name"]) for node in nodes])
    yield _metrics(session, "see keda-adapter's log; make up")


def cluster_elsewhere(session: Session) -> Iterator[Finding]:
    """Ask the API server of a cluster that is not of this machine the same."""
    version = (session.cluster.get("/version") or {}).get("gitVersion")
    yield Finding(f"Kubernetes {version}")
    groups: Counter[str] = Counter()
    for node in session.cluster.items("/api/v1/nodes"):
        name, ready = node["metadata"]["name"], condition(node, "Ready")
        groups[(node["metadata"].get("labels") or {}).get(NODE_GROUP_LABEL, "")] += 1
        if ready.get("status") != "True":
            told = str(ready.get("message") or "unknown")
            yield Finding(f"node {name}", told, f"kubectl describe node {name}")
    for name, group in session.config.node_groups.items():
        bounds = f"{group.nodes}..{group.max_nodes}"
        yield Finding(f"node group {name}: {groups[name]} of {bounds} nodes")
    yield _metrics(session, "see the log of KEDA's metrics server; pulumi up")


def _metrics(session: Session, mend: str) -> Finding:
    path = f"/apis/apiregistration.k8s.io/v1/apiservices/{_METRICS_API}"
    available = condition(session.cluster.get(path) or {}, "Available")
    good = available.get("status") == "True"
    problem = None if good else str(available.get("message") or "it is not registered")
    return Finding(f"KEDA's metrics ({_METRICS_API})", problem, mend)


def _connection(config: FleetConfig) -> tuple[str, str]:
    """Namespace and name of the Secret that says where the broker is."""
    if isinstance(config.broker, ExistingBroker):
        reference = config.broker.connection_secret
        return reference.namespace, reference.name
    return config.namespace, names.BROKER


def _elastic_groups(session: Session, nodes: list[str]) -> Iterator[Finding]:
    """Say of each group that may grow how many nodes it has."""
    for name, group in session.config.node_groups.items():
        if group.max_nodes > group.nodes:
            prefix = rehearsal_spec.group_name(session.stack, name)
            there = sum(node.rpartition("-")[0] == prefix for node in nodes)
            bounds = f"{group.nodes}..{group.max_nodes}"
            yield Finding(f"node group {name}: {there} of {bounds} nodes (stand-in autoscaler)")


def broker(session: Session) -> Iterator[Finding]:
    """Ask the broker as a pod would: over TLS, with the published account."""
    namespace, source = _connection(session.config)
    secret = session.cluster.secret(namespace, source)
    name = f"broker ({supervisor.status(session.project.rehearsal).broker})"
    if secret is None:
        yield Finding(name, f"Secret {namespace}/{source} is missing", "make up")
        return
    client = redis.Redis(
        host=secret["host"],
        port=int(secret["port"]),
        username=secret["username"],
        password=secret["password"],
        ssl=True,
        ssl_cert_reqs=ssl.CERT_REQUIRED,
        ssl_ca_data=secret.get("ca.crt"),
        socket_timeout=_PING_TIMEOUT_S,
        socket_connect_timeout=_PING_TIMEOUT_S,
    )
    try:
        client.ping()
    except redis.RedisError as error:
        yield Finding(name, str(error), "see its log in the rehearsal's logs; make up")
    else:
        yield Finding(f"{name} answers over TLS")
    finally:
        client.close()


def lesser_logins(session: Session) -> Iterator[Finding]:
    """Look for the Secrets with other logins for KEDA and redis_exporter, as `up` will read them.

    They are of a broker that the stack does not own; its connection's is looked at with the broker.
    """
    given = session.config.broker
    if not isinstance(given, ExistingBroker):
        return
    for key, reference in (
        ("kedaSecret", given.keda_secret),
        ("exporterSecret", given.exporter_secret),
    ):
        if reference is not None:
            yield _lesser_login(session, key, reference, authority=given.publishes_ca)


def _lesser_login(
    session: Session, key: str, reference: ConnectionSecret, *, authority: bool
) -> Finding:
    place = f"{reference.namespace}/{reference.name}"
    subject, mend = f"broker.{key}: Secret {place}", f"make it as broker.{key} says; {_PROVISION}"
    path = f"/api/v1/namespaces/{reference.namespace}/secrets/{reference.name}"
    found = session.cluster.get(path)
    if found is None:
        return Finding(subject, "it is missing", mend)
    try:
        lesser_secret(found.get("data") or {}, place, authority=authority)
    except ValueError as error:
        return Finding(subject, str(error), mend)
    return Finding(subject)


def fleet(session: Session) -> Iterator[Finding]:
    """Look at the stack's own objects."""
    namespace = session.config.namespace
    state = fleet_state.read(session.cluster, namespace)
    if not state.workers:
        yield Finding(f"stack {session.stack}", "it is not provisioned", _PROVISION)
        return
    troubles = fleet_state.troubled_pods(session.cluster, namespace)
    notices = list(status.fleet_notices(state, troubles))
    for notice in notices:
        yield Finding("stack", notice, f"read the pods' logs; {_PROVISION}")
    if not notices:
        queues = session.api.queues()
        yield Finding(f"{len(state.workers)} workers, beat and API; {len(queues)} queues answer")
