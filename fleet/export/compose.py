"""A compose file of the fleet: a service for each process, as like its pod as compose goes."""

from collections.abc import Mapping
from typing import Any

import yaml

from fleet.export.process import Process, processes
from infra.manifests.container import DATA_DIR
from infra.models.fleet import FleetConfig

FILE = "compose.yaml"
USER = "10001:10001"
_BROKER_PORT = 6379
_HEADER = """\
# The fleet of stack {stack} for one machine with Docker or Podman; made by `fleet export compose`.
# It needs beside it: settings.json (written with it), and what is never written by it:
#   secrets/broker.env   CELERY_BROKER_URL=rediss://<user>:<password>@<host>:<port>/0?ssl_cert_reqs=required
#                        CELERY_RESULT_BACKEND=<the same with /1>  CELERY_RESULT_EXPIRES={expires_s}
#   secrets/api-token.env  FLEET_API_TOKEN=<token>
#   secrets/ca.crt       of the CA that signed the broker's certificate{own_broker}
# Compose cannot do what Kubernetes and KEDA do here: nothing scales with the queues, so `replicas`
# are the least that the plan keeps warm, and at least one (by hand: docker compose up --scale);
# no node comes or goes, none is spot; node groups and taints do not exist. A GPU is asked for by
# `devices`, which needs NVIDIA's container toolkit on this machine. An unhealthy container is
# shown, and restarted only when its process ends.
"""
_OWN_BROKER = """
#   secrets/broker.crt, secrets/broker.key   the broker's certificate, for host name `broker`
#   secrets/users.acl    user default off
#                        user <user> on #<sha256 of the password, hex> ~* &* +@all
# and BROKER_IMAGE, a Redis 7 or Valkey image with its digest, in the environment or in .env"""


def compose_file(config: FleetConfig, stack: str, *, own_broker: bool) -> str:
    """Text of the compose file; no secret is in it.

    Args:
        config: the stack.
        stack: its name, for the header.
        own_broker: whether the file runs the broker too, or the fleet reaches one elsewhere.

    """
    found = processes(config)
    services = {each.name: _service(config, each, own_broker=own_broker) for each in found}
    if own_broker:
        services["broker"] = _broker()
    document = {
        "name": config.namespace,
        "services": services,
        "configs": {"settings": {"file": "./settings.json"}},
        "secrets": {
            name: {"file": f"./secrets/{file}"} for name, file in _files(own_broker).items()
        },
        "volumes": {"data": {}} | ({"broker": {}} if own_broker else {}),
    }
    header = _HEADER.format(
        stack=stack,
        expires_s=config.broker.result_expires_s,
        own_broker=_OWN_BROKER if own_broker else "",
    )
    return header + yaml.safe_dump(document, sort_keys=False, width=100)


def _service(config: FleetConfig, process: Process, *, own_broker: bool) -> dict[str, Any]:
    service: dict[str, Any] = {
        "image": config.image,
        "command": [_escaped(_here(word)) for word in process.command],
        "environment": {k: _escaped(v) for k, v in process.environment.items()},
        "env_file": [f"./secrets/{secret}.env" for secret in sorted(set(process.secrets.values()))],
        "configs": [{"source": "settings", "target": _target(process, "FLEET_SETTINGS_FILE")}],
        "secrets": [{"source": "ca", "target": _target(process, "FLEET_BROKER_CA_FILE")}],
        **_restrictions(),
        "tmpfs": ["/tmp:mode=1777", "/run/fleet:mode=1777"],  # noqa: S108 - the container's own
        "volumes": [f"data:{DATA_DIR}"],
        "stop_signal": "SIGTERM",
        "stop_grace_period": f"{process.grace_s}s",
        "restart": "unless-stopped",
        "healthcheck": _healthcheck(process),
        "deploy": _deploy(process),
    }
    if process.name == "beat":
        # Two containers cannot have one name, so beat cannot be scaled: each would send.
        service["container_name"] = f"{config.namespace}-beat"
        del service["deploy"]["replicas"]
    if process.port is not None:
        service["ports"] = [f"127.0.0.1:{process.port}:{process.port}"]
    if own_broker:
        service["depends_on"] = {"broker": {"condition": "service_healthy"}}
    return service


def _restrictions() -> dict[str, Any]:
    """What the pods' security contexts ask for."""
    return {
        "user": USER,
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }


def _deploy(process: Process) -> dict[str, Any]:
    reservations: dict[str, Any] = {
        "cpus": f"{process.reserved_cpu_millicores / 1000:g}",
        "memory": f"{process.reserved_memory_mib}M",
    }
    if process.gpus:
        gpu = {"driver": "nvidia", "count": process.gpus, "capabilities": ["gpu"]}
        reservations["devices"] = [gpu]
    limits = {
        "cpus": f"{process.cpu_millicores / 1000:g}",
        "memory": f"{process.memory_mib}M",
    }
    return {
        "replicas": process.replicas,
        "resources": {"limits": limits, "reservations": reservations},
    }


def _healthcheck(process: Process) -> dict[str, Any]:
    if process.probe is not None:
        test = ["CMD", *(_escaped(word) for word in process.probe)]
    else:
        ask = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{process.port}/healthz')"
        test = ["CMD", "python", "-c", ask]
    return {
        "test": test,
        "interval": "20s",
        "timeout": "5s",
        "retries": 3,
        "start_period": "60s",
    }


def _broker() -> dict[str, Any]:
    """A broker as the fleet asks for one: TLS only, no user without a password, no eviction."""
    inside = "/run/secrets"
    options = {
        "port": "0",
        "tls-port": str(_BROKER_PORT),
        "tls-cert-file": f"{inside}/broker-crt",
        "tls-key-file": f"{inside}/broker-key",
        "tls-ca-cert-file": f"{inside}/ca",
        "tls-auth-clients": "no",
        "aclfile": f"{inside}/users",
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "dir": "/data",
    }
    # It has no password: a server that asks for one is alive.
    ping = f"redis-cli --tls --cacert {inside}/ca -p {_BROKER_PORT} ping 2>&1"
    return {
        "image": "${BROKER_IMAGE:?a Redis 7 or Valkey image with its digest}",
        "command": ["redis-server", *(w for k, v in options.items() for w in (f"--{k}", v))],
        "secrets": ["ca", "broker-crt", "broker-key", "users"],
        "volumes": ["broker:/data"],
        "read_only": True,
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": "60s",
        "restart": "unless-stopped",
        "healthcheck": {
            "test": ["CMD-SHELL", f"{ping} | grep -q -e PONG -e NOAUTH"],
            "interval": "5s",
            "timeout": "5s",
            "retries": 12,
        },
    }


def _files(own_broker: bool) -> Mapping[str, str]:  # noqa: FBT001 - the file's one question
    files = {"ca": "ca.crt"}
    if own_broker:
        files |= {"broker-crt": "broker.crt", "broker-key": "broker.key", "users": "users.acl"}
    return files


def _target(process: Process, variable: str) -> str:
    return process.environment[variable]


def _here(word: str) -> str:
    """A pod's own name and address, as Celery and a container know them."""
    return word.replace("$(POD_NAME)", "%h").replace("$(POD_IP)", "0.0.0.0")  # noqa: S104 - inside


def _escaped(text: str) -> str:
    """Text that compose does not fill in."""
    return text.replace("$", "$$")
