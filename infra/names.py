"""Every name that others see, in one place: Kubernetes objects, and what AWS shares by name."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

WORKER_PREFIX = "worker-"
BEAT: Final = "beat"
API = "api"
JANITOR: Final = "janitor"
REDIS_EXPORTER: Final = "redis-exporter"
BROKER = "broker"
BROKER_KEDA = "broker-keda"
BROKER_EXPORTER = "broker-exporter"
BROKER_PRODUCER = "broker-producer"
API_TOKEN = "api-token"  # noqa: S105 - the Secret's name, not its content
SETTINGS = "celery-settings"
DATA = "data"
OWN_POD = "own-pod"
ALERTS = "fleet-alerts"
METRICS = "fleet-metrics"
ROUTES = "fleet-routes"
DASHBOARDS = "fleet-dashboards"
BOUNDS = "bounds"
DENY_ALL = "deny-all"
ALLOW_FLEET = "allow-fleet"
ALLOW_METRICS = "allow-metrics"
ALLOW_CALLERS = "allow-callers"
ALLOW_INTERNET = "allow-internet"
ALLOW_API_SERVER = "allow-api-server"


def worker_object(worker: str) -> str:
    """Name of a worker's Deployment, ScaledObject and budget; `WorkerName` bounds its length."""
    return f"{WORKER_PREFIX}{worker}"


def node_name(worker: str, stated: str | None) -> str:
    """What a worker's Celery nodes are called before the `@`."""
    return stated or worker_object(worker)


def in_flight_key(worker: str) -> str:
    """Hash of the messages a worker's pods hold; before the broker's key prefix."""
    return f"unacked:{worker}"


class NameLimit(NamedTuple):
    """What a service takes as a name."""

    service: str
    longest: int
    source: str


_EKS = NameLimit("EKS cluster", 100, "CreateCluster")
_REPLICATION_GROUP = NameLimit("ElastiCache replication group", 40, "CreateReplicationGroup")
_CACHE_USER = NameLimit("ElastiCache user", 40, "CreateUser")
_REPOSITORY = NameLimit("ECR repository", 256, "CreateRepository")
_BUDGET = NameLimit("AWS budget", 100, "CreateBudget")
GUEST_USERS = ("fleet", "keda", "exporter")
"""Of which the last one only where a guest runs redis_exporter."""
CACHE_USERS = ("default", "blue", "green", "keda", "exporter", "producer")


def replication_group(namespace: str) -> str:
    """Id of the broker; `<id>-001`, `-002`, ... are its nodes'."""
    return namespace


def cache_user(namespace: str, user: str) -> str:
    """Id of an ElastiCache user, or of the group of all where `user` is `users`."""
    return f"{namespace}-{user}"


def cache_user_problems(namespace: str, users: Iterable[str]) -> Iterator[str]:
    """Ids of ElastiCache users that AWS would refuse."""
    yield from _too_long(namespace, [(_CACHE_USER, cache_user(namespace, u)) for u in users])
    if "--" in namespace or not namespace[:1].isalpha():
        yield (
            f"namespace {namespace!r} cannot begin an ElastiCache user's id: that begins with a "
            "letter and has no two hyphens in a row"
        )


def repository(namespace: str) -> str:
    """Name of the ECR repository."""
    return f"{namespace}/worker"


def budget(namespace: str) -> str:
    return f"{namespace}-month"


def aws_name_problems(namespace: str, cluster: str | None) -> Iterator[str]:
    """Names that AWS would refuse; they are told and never cut, for two cut ones may be the same.

    Everything else on AWS gets its name from Pulumi, so that two stacks of one account, and a
    resource and its replacement, can stand side by side.
    """
    made = [
        (_EKS, cluster or ""),
        (_REPLICATION_GROUP, replication_group(namespace)),
        *((_CACHE_USER, cache_user(namespace, user)) for user in (*CACHE_USERS, "users")),
        (_REPOSITORY, repository(namespace)),
        (_BUDGET, budget(namespace)),
    ]
    yield from _too_long(namespace, made)
    if "--" in namespace or not namespace[:1].isalpha():
        yield (
            f"namespace {namespace!r} cannot name an ElastiCache replication group: that begins "
            "with a letter and has no two hyphens in a row"
        )


def _too_long(namespace: str, made: Iterable[tuple[NameLimit, str]]) -> Iterator[str]:
    for limit, name in made:
        if len(name) > limit.longest:
            yield (
                f"namespace {namespace!r} makes the {limit.service} name {name!r} of {len(name)} "
                f"characters, above the {limit.longest} that AWS takes ({limit.source})"
            )


def allow_worker(worker: str) -> str:
    """Name of the network policy about what a worker's own queues reach."""
    return f"allow-{worker_object(worker)}"


def pending_key(queue: str) -> str:
    """Hash of the marks of a fair queue's waiting messages; before the broker's key prefix."""
    return f"fair:{queue}:pending"


def own_pod(namespace: str) -> str:
    """Name of the cluster-wide policy about a fleet's pods; two fleets share no namespace."""
    return f"{namespace}-{OWN_POD}"


def images(namespace: str) -> str:
    """Name of the cluster-wide policy about the images of a fleet's pods."""
    return f"{namespace}-images"
