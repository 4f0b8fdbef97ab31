"""What each pod of the fleet runs, read from its manifest, for supervisors that know no pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.manifests.deployment import (
    api_deployment,
    beat_deployment,
    janitor_deployment,
    worker_deployment,
)
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.models.placement import mebibytes, millicores

_GPU = "nvidia.com/gpu"
# What a pod learns from Kubernetes about itself; each supervisor has words of its own for it.
_OF_THE_POD = ("POD_NAME", "POD_IP")
# There is no pod whose deletion could cost anything, and no address of a process's own: all of a
# machine would want the one port.
_NOT_OUTSIDE = ("FLEET_SERVICE_ACCOUNT_DIR", "FLEET_METRICS_PORT")


@dataclass(frozen=True)
class Process:
    """One kind of process: its command, what it reads, what it may use, how it ends."""

    name: str
    """Of the Kubernetes object: `worker-<worker>`, `beat`, `janitor`, `api`."""
    command: tuple[str, ...]
    """With `$(POD_NAME)` and `$(POD_IP)` still in it."""
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """Secret by the variable that it fills."""
    cpu_millicores: int
    memory_mib: int
    reserved_cpu_millicores: int
    reserved_memory_mib: int
    gpus: int
    grace_s: int
    probe: tuple[str, ...] | None
    """The liveness probe's command; None where it is an HTTP request."""
    replicas: int
    """How many to begin with: nothing scales them."""
    port: int | None = None


def processes(config: FleetConfig) -> list[Process]:
    """Every process of the fleet: its workers, its one beat, its one janitor, its API."""
    found = [_worker(config, name) for name in config.workers]
    found.append(_process("beat", beat_deployment(config), 1))
    found.append(_process("janitor", janitor_deployment(config), 1))
    found.append(_process("api", api_deployment(config), 1))
    return found


def _worker(config: FleetConfig, name: str) -> Process:
    # At zero a queue would wait for ever: nothing here wakes a worker.
    replicas = max(1, plan(config, name).min_replicas)
    return _process(f"worker-{name}", worker_deployment(config, name), replicas)


def _process(name: str, deployment: Mapping[str, Any], replicas: int) -> Process:
    pod = deployment["template"]["spec"]
    (main,) = pod["containers"]
    limits, requests = main["resources"]["limits"], main["resources"]["requests"]
    ports = [p["containerPort"] for p in main.get("ports", ()) if p["name"] == "http"]
    return Process(
        name=name,
        command=tuple(main["command"]),
        environment={
            e["name"]: e["value"]
            for e in main["env"]
            if "value" in e and e["name"] not in _NOT_OUTSIDE
        },
        secrets=_secrets(main["env"]),
        cpu_millicores=millicores(limits["cpu"]),
        memory_mib=mebibytes(limits["memory"]),
        reserved_cpu_millicores=millicores(requests["cpu"]),
        reserved_memory_mib=mebibytes(requests["memory"]),
        gpus=int(limits.get(_GPU, "0")),
        grace_s=pod["terminationGracePeriodSeconds"],
        probe=_probe(main["livenessProbe"]),
        replicas=replicas,
        port=ports[0] if ports else None,
    )


def _secrets(env: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    sources = {e["name"]: e["valueFrom"] for e in env if "valueFrom" in e}
    unknown = [
        name
        for name, source in sources.items()
        if "secretKeyRef" not in source and name not in _OF_THE_POD
    ]
    if unknown:
        raise ValueError(f"variables {unknown} are filled from what only a pod has")
    return {
        name: source["secretKeyRef"]["name"]
        for name, source in sources.items()
        if "secretKeyRef" in source
    }


def _probe(probe: Mapping[str, Any]) -> tuple[str, ...] | None:
    return tuple(probe["exec"]["command"]) if "exec" in probe else None
