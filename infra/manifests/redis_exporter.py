"""The pod that tells Prometheus of the broker: redis_exporter (oliver006), as it is published.

Queues it does not tell: the janitor counts those, priority steps and tenants' lists summed.
"""

from collections.abc import Mapping

from infra import names
from infra.manifests import Manifest
from infra.manifests.container import (
    AUTHORITY_FILE,
    METRICS_PORT,
    authority_mounts,
    authority_volumes,
    from_secret,
)
from infra.manifests.labels import labels, selector
from infra.manifests.releases import REDIS_EXPORTER_IMAGE
from infra.manifests.restricted import restricted_container, restricted_pod
from infra.models.broker import ExistingBroker
from infra.models.fleet import FleetConfig

PROGRAM = "/redis_exporter"
"""Where its image has it; the image has no shell, and nothing on PATH."""
_GRACE_S = 5
# A broker that takes connections and answers none: told as away well within a scrape.
_TIMEOUT_S = 3


def redis_exporter_image(config: FleetConfig) -> str:
    """Reference of the image: the pinned one, unless the stack names a copy."""
    return config.monitoring.redis_exporter_image or REDIS_EXPORTER_IMAGE


def redis_exporter_secret(config: FleetConfig) -> str:
    """Name of the Secret with its login: a user of its own where it is given or made one."""
    broker = config.broker
    own = not isinstance(broker, ExistingBroker) or broker.exporter_secret is not None
    return names.BROKER_EXPORTER if own else names.BROKER


def redis_exporter_deployment(config: FleetConfig) -> Manifest:
    """Spec of its Deployment; two beside each other, as in a rollout, do no harm."""
    return {
        "replicas": 1,
        "selector": {"matchLabels": selector(config.namespace, names.REDIS_EXPORTER)},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "revisionHistoryLimit": 3,
        "template": {
            "metadata": {
                "labels": labels(config.namespace, names.REDIS_EXPORTER),
                "annotations": {},
            },
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "containers": [_container(config)],
                "securityContext": restricted_pod(),
                "terminationGracePeriodSeconds": _GRACE_S,
                "volumes": authority_volumes(config),
            },
        },
    }


def _container(config: FleetConfig) -> Manifest:
    health = {"httpGet": {"path": "/health", "port": "metrics"}}
    return {
        "name": names.REDIS_EXPORTER,
        "image": redis_exporter_image(config),
        "command": [PROGRAM],
        "env": _environment(config),
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        # It holds 15 MiB, and works for milliseconds at each scrape.
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "100m", "memory": "64Mi"},
        },
        "securityContext": restricted_container(),
        # Of itself alone: a broker that is away is told, and no reason to start it again.
        "readinessProbe": health | {"periodSeconds": 5},
        "livenessProbe": health | {"periodSeconds": 20, "timeoutSeconds": 5},
        "volumeMounts": authority_mounts(config),
    }


def _environment(config: FleetConfig) -> list[Manifest]:
    """Everything that it is told; nothing stands on its command line, which others can read."""
    login = redis_exporter_secret(config)
    return [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        from_secret("BROKER_ADDRESS", login, "address"),
        from_secret("REDIS_USER", login, "username"),
        from_secret("REDIS_PASSWORD", login, "password"),
        *({"name": name, "value": value} for name, value in _settings(config).items()),
    ]


def _settings(config: FleetConfig) -> Mapping[str, str]:
    authority = {"REDIS_EXPORTER_TLS_CA_CERT_FILE": AUTHORITY_FILE}
    return {
        "REDIS_ADDR": "rediss://$(BROKER_ADDRESS)",
        **(authority if config.broker.publishes_ca else {}),
        # Brackets also hold an address of IPv4.
        "REDIS_EXPORTER_WEB_LISTEN_ADDRESS": f"[$(POD_IP)]:{METRICS_PORT}",
        # Else it would log in with this login wherever a caller tells it to.
        "REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT": "true",
        "REDIS_EXPORTER_CONNECTION_TIMEOUT": f"{_TIMEOUT_S}s",
        # ElastiCache has no CONFIG for its users; INFO says what the rules read.
        "REDIS_EXPORTER_CONFIG_COMMAND": "-",
        "REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS": "true",
        "REDIS_EXPORTER_REDIS_ONLY_METRICS": "true",
        "REDIS_EXPORTER_LOG_FORMAT": "json",
    }
