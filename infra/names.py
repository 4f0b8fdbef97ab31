"""Every name of the fleet's Kubernetes objects, in one place."""

WORKER_PREFIX = "worker-"
BEAT = "beat"
API = "api"
BROKER = "broker"
API_TOKEN = "api-token"  # noqa: S105 - the Secret's name, not its content
SETTINGS = "celery-settings"
DATA = "data"


def worker_object(worker: str) -> str:
    """Name of the Deployment and ScaledObject of a worker; `WorkerName` bounds its length."""
    return f"{WORKER_PREFIX}{worker}"


def in_flight_key(worker: str) -> str:
    """Hash of the messages a worker's pods hold; before the broker's key prefix."""
    return f"unacked:{worker}"
