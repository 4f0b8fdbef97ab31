"""What the containers of workers, beat and API have in common: image, environment, volumes."""

from infra import names
from infra.manifests import Manifest
from infra.manifests.data import VOLUME, data_volume
from infra.manifests.restricted import restricted_container
from infra.models.fleet import FleetConfig
from infra.models.image import ImageSource
from infra.models.worker import Resources

DATA_DIR = "/var/lib/fleet"
_RUN_DIR = "/run/fleet"
_HEARTBEAT_FILE = f"{_RUN_DIR}/heartbeat"
_BROKER_DIR = "/etc/fleet/broker"
AUTHORITY_FILE = f"{_BROKER_DIR}/ca.crt"
_SETTINGS_DIR = "/etc/fleet/settings"
GPU = "nvidia.com/gpu"
"""As a pod asks for it."""
# Before a flavour's name: an image that exists only during `up`.
BUILT = "built:"

METRICS_PORT = 9808
"""Where workers and beat answer Prometheus."""

# Longer than the slowest tick (beat's 5 s), shorter than anyone waits for a stuck worker.
HEARTBEAT_MAX_AGE_S = 60


def container(config: FleetConfig, name: str, command: list[str], resources: Resources) -> Manifest:
    """One container of the shared image, restricted as far as Pod Security asks and further."""
    return {
        "name": name,
        "image": image(config, resources.gpu),
        "command": command,
        "env": _environment(config),
        "resources": _resources(resources),
        "securityContext": restricted_container(),
        "volumeMounts": [
            {"name": "run", "mountPath": _RUN_DIR},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
            *authority_mounts(config),
            {"name": "settings", "mountPath": _SETTINGS_DIR, "readOnly": True},
            {"name": VOLUME, "mountPath": DATA_DIR},
        ],
    }


def measured(main: Manifest) -> Manifest:
    """Let a container answer Prometheus on its port `metrics`."""
    port = {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}
    told = {"name": "FLEET_METRICS_PORT", "value": str(METRICS_PORT)}
    return main | {"ports": [port], "env": [*main["env"], told]}


def volumes(config: FleetConfig) -> list[Manifest]:
    """Volumes behind the mounts of `container`."""
    return [
        {"name": "run", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        *authority_volumes(config),
        {"name": "settings", "configMap": {"name": names.SETTINGS}},
        data_volume(config),
    ]


def heartbeat_probe(period_s: int, failures: int, max_age_s: int = HEARTBEAT_MAX_AGE_S) -> Manifest:
    """Ask whether the process's own loop still turns.

    Never `celery inspect ping`: it costs seconds of CPU and needs the broker, so that a broker
    outage would restart the whole fleet.
    """
    newer = f"find \"$FLEET_HEARTBEAT_FILE\" -newermt '-{max_age_s} seconds'"
    return {
        "exec": {"command": ["sh", "-c", f"{newer} | grep -q ."]},
        "periodSeconds": period_s,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def from_secret(variable: str, secret: str, key: str) -> Manifest:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def image(config: FleetConfig, gpus: int) -> str:
    """Reference of the flavour for a pod with so many GPUs.

    Of a flavour that this stack builds it is `BUILT` and its name, until the build tells more.
    """
    given = config.image
    if not isinstance(given, ImageSource):
        return given
    if given.build is not None:
        return f"{BUILT}{'gpu' if gpus and given.build.gpu_base_image else 'cpu'}"
    return str(given.gpu if gpus else given.cpu)


def authority_mounts(config: FleetConfig) -> list[Manifest]:
    """Where a container finds the broker's CA, if it is one that no image knows."""
    mount = {"name": "broker", "mountPath": _BROKER_DIR, "readOnly": True}
    return [mount] if config.broker.publishes_ca else []


def authority_volumes(config: FleetConfig) -> list[Manifest]:
    """Volumes behind `authority_mounts`: of the Secret with the login, the CA alone."""
    secret = {"secretName": names.BROKER, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    return [{"name": "broker", "secret": secret}] if config.broker.publishes_ca else []


def _environment(config: FleetConfig) -> list[Manifest]:
    beat = config.beat
    authority = {"FLEET_BROKER_CA_FILE": AUTHORITY_FILE}
    literals = {
        **(authority if config.broker.publishes_ca else {}),
        "FLEET_SETTINGS_FILE": f"{_SETTINGS_DIR}/settings.json",
        "FLEET_DATA_DIR": DATA_DIR,
        "FLEET_HEARTBEAT_FILE": _HEARTBEAT_FILE,
        "TMPDIR": "/tmp",  # noqa: S108 - a volume of the pod's own
        "IMAGINEER_MAINTENANCE_QUEUE": beat.maintenance_queue,
        "IMAGINEER_PURGE_TRAINING_HOUR": str(beat.purge_training_hour_utc),
        "IMAGINEER_PURGE_SCRAPE_HOUR": str(beat.purge_scrape_hour_utc),
        "IMAGINEER_DISK_SAMPLE_HOURS": str(beat.disk_sample_hours),
    }
    return [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        from_secret("CELERY_BROKER_URL", names.BROKER, "brokerUrl"),
        from_secret("CELERY_RESULT_BACKEND", names.BROKER, "resultBackend"),
        from_secret("CELERY_RESULT_EXPIRES", names.BROKER, "resultExpiresSeconds"),
        *({"name": name, "value": value} for name, value in literals.items()),
    ]


def _resources(resources: Resources) -> Manifest:
    requests = resources.requests.model_dump()
    limits = resources.limits.model_dump()
    if resources.gpu:
        gpu = {GPU: str(resources.gpu)}
        return {"requests": requests | gpu, "limits": limits | gpu}
    return {"requests": requests, "limits": limits}
