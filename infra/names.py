"""Every name of the fleet's Kubernetes objects, in one place."""

WORKER_PREFIX = "worker-"
BEAT = "beat"
API = "api"
BROKER = "broker"
API_TOKEN = "api-token"  # noqa: S105 - the Secret's name, not its content
SETTINGS = "celery-settings"
DATA = "data"
OWN_POD = "own-pod"


def worker_object(worker: str) -> str:
    """Name of a worker's Deployment, ScaledObject and budget; `WorkerName` bounds its length."""
    return f"{WORKER_PREFIX}{worker}"


def node_name(worker: str, stated: str | None) -> str:
    """What a worker's Celery nodes are called before the `@`."""
    return stated or worker_object(worker)


def in_flight_key(worker: str) -> str:
    """Hash of the messages a worker's pods hold; before the broker's key prefix."""
    return f"unacked:{worker}"


def pending_key(queue: str) -> str:
    """Hash of the marks of a fair queue's waiting messages; before the broker's key prefix."""
    return f"fair:{queue}:pending"


def own_pod(namespace: str) -> str:
    """Name of the cluster-wide policy about a fleet's pods; two fleets share no namespace."""
    return f"{namespace}-{OWN_POD}"
