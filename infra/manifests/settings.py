"""What the image reads at start: queues, routes, keys, the visibility timeout."""

import json
from collections.abc import Iterable, Mapping

from infra import names
from infra.manifests import Manifest
from infra.manifests.broker import checksum
from infra.manifests.labels import Component
from infra.models.agreement import visibility_s
from infra.models.fleet import FleetConfig
from infra.models.tier import most_messages
from infra.sizing import PRIORITY_STEPS, STEP_SEPARATOR

# Of a queue's settings; of any other component `alert` alone.
_UNREAD: Mapping[Component, tuple[str, ...]] = {
    "api": (),
    "janitor": (
        *("routes", "priorities", "priority", "rateLimits"),
        *("softTimeLimitSeconds", "timeLimitSeconds", "alert", "maxMessages"),
    ),
}


def settings_document(config: FleetConfig) -> str:
    """JSON text of `settings.json`, the same bytes for the same model."""
    return json.dumps(_settings(config, config.queues), indent=2, sort_keys=True)


def settings_checksum(config: FleetConfig, queues: Iterable[str], component: Component) -> str:
    """A mark that changes with what a component reads about these queues.

    A worker is rolled for its own queues only; whoever publishes, for all; whoever tells a backlog
    from a queue, for what counts as one; the janitor, for where messages lie.
    """
    read = _settings(config, queues)
    for queue in read["queues"].values():
        for key in _UNREAD.get(component, ("alert",)):
            del queue[key]
    return checksum({"settings": json.dumps(read, sort_keys=True)})


def _settings(config: FleetConfig, queues: Iterable[str]) -> Manifest:
    told = set(queues)
    return {
        "queues": {
            name: {
                "routes": list(queue.routes),
                "priorities": queue.priorities,
                "priority": queue.priority,
                "pendingKey": names.pending_key(name) if queue.fair else None,
                "rateLimits": dict(queue.rate_limits),
                "softTimeLimitSeconds": queue.soft_time_limit_s,
                "timeLimitSeconds": queue.time_limit_s,
                "alert": queue.alert.model_dump(by_alias=True),
                "maxMessages": most_messages(config.tier, queue),
            }
            for name, queue in config.queues.items()
            if name in told
        },
        "workers": {
            name: {
                "queues": list(worker.queues),
                "inFlightKey": names.in_flight_key(name),
                "prefetchMultiplier": worker.prefetch_multiplier,
            }
            for name, worker in config.workers.items()
            if told.intersection(worker.queues)
        },
        "keyPrefix": config.broker.key_prefix,
        "separator": STEP_SEPARATOR,
        "prioritySteps": list(PRIORITY_STEPS),
        "visibilityTimeoutSeconds": visibility_s(config),
        "delivery": config.broker.delivery,
        "deliveryLimit": config.broker.delivery_limit,
        "confirmReplicas": config.broker.confirm_replicas,
    }
