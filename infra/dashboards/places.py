"""Where each dashboard is found: the uids that stay the same, and what an alert points to."""

from hashlib import sha256

from infra.alerts.rule import Rule
from infra.models.fleet import FleetConfig

FOLDER = "Celery fleet"
_DIGITS = 12
# What is told of a part that no queue and no worker names.
_OF_ALERT = {"Redis": "redis", "Gpu": "gpu"}


def uid(namespace: str, name: str) -> str:
    """Grafana's id of a dashboard, which its address holds.

    Grafana takes 40 characters; a namespace alone may have 63, so it is told by its hash.
    """
    return f"fleet-{sha256(f'{namespace}/{name}'.encode()).hexdigest()[:_DIGITS]}"


def queue_page(queue: str) -> str:
    """Name of the dashboard of a queue."""
    return f"queue-{queue}"


def page_of(config: FleetConfig, rule: Rule) -> str:
    """Name of the dashboard that shows what an alert tells of."""
    if (queue := rule.labels.get("queue", "")) in config.queues:
        return queue_page(queue)
    for beginning, page in _OF_ALERT.items():
        if rule.alert.startswith(beginning):
            return page
    return "keda" if "worker" in rule.labels or rule.alert.startswith("Keda") else "overview"


def dashboard_url(config: FleetConfig, rule: Rule) -> str | None:
    """Address of the dashboard of an alert; None where the stack file names no Grafana."""
    grafana = config.monitoring.grafana_url
    if grafana is None:
        return None
    return f"{grafana}/d/{uid(config.namespace, page_of(config, rule))}"
