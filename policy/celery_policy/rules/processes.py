"""Rules about each Celery process: probes, grace, GPUs."""

from collections.abc import Iterator

from celery_policy.pods import SCALABLE, WORKLOADS, celery_in, named, pod_spec
from celery_policy.processes import command_words
from celery_policy.resource import Resource
from celery_policy.rule import ResourceRule, Setting, Settings

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# Kubernetes' own (`terminationGracePeriodSeconds`).
_DEFAULT_GRACE_S = 30.0


def _alive(resource: Resource, _: Settings) -> Iterator[str]:
    for each in celery_in(resource):
        if not each.container["livenessProbe"].is_given:
            yield f"{named(each.container)} is a Celery {each.process.kind} without livenessProbe"


def _quiet(resource: Resource, _: Settings) -> Iterator[str]:
    for each in celery_in(resource):
        for probe in _PROBES:
            words = " ".join(command_words(each.container[probe]["exec"])).split()
            if "inspect" in words and "ping" in words:
                yield f"{probe} of {named(each.container)} runs `celery inspect ping`"


def _grace(resource: Resource, settings: Settings) -> Iterator[str]:
    for each in celery_in(resource):
        if each.process.kind != "worker":
            continue
        stated = each.spec["terminationGracePeriodSeconds"].number
        grace_s = _DEFAULT_GRACE_S if stated is None else stated
        limit_s = each.process.time_limit_s or settings["hardLimitSeconds"]
        if limit_s is None:
            yield f"{named(each.container)} has no --time-limit: no grace period is ever enough"
        elif grace_s <= limit_s:
            yield (
                f"terminationGracePeriodSeconds is {grace_s:.0f}, not above the hard limit of "
                f"{limit_s:.0f} s: a pod that is told to go may be killed in the middle of a task"
            )


def _gpu(resource: Resource, settings: Settings) -> Iterator[str]:
    spec = pod_spec(resource)
    devices = settings["resources"]
    asked = [
        device
        for container in spec["containers"].items()
        for device in devices
        if container["resources"]["limits"][device].number
    ]
    tolerated = {each["key"].text for each in spec["tolerations"].items()}
    if not asked:
        for device in sorted(tolerated.intersection(devices)):
            yield f"it tolerates the taint {device} and limits no GPU: it would hold a GPU's node"
        return
    if not tolerated:
        yield f"it limits {asked[0]} and tolerates no taint: a GPU's node keeps it away"
    is_placed = spec["affinity"]["nodeAffinity"].is_given or spec["nodeSelector"].entries()
    if not is_placed:
        yield f"it limits {asked[0]} and selects no node"


LIMIT_SETTING = Setting(
    default=None,
    schema={
        "type": "number",
        "description": "Hard limit, in seconds, of workers whose command line states none.",
    },
)

RULES = (
    ResourceRule(
        "celery-probes",
        "A Celery worker or beat has a liveness probe.",
        "medium",
        "Touch a file from the process's own loop and let the probe read its age: a worker that "
        "hangs after its broker came back is restarted by nothing else.",
        types=WORKLOADS & SCALABLE,
        check=_alive,
    ),
    ResourceRule(
        "celery-probe-is-cheap",
        "No probe runs `celery inspect ping`.",
        "medium",
        "It imports the app, takes seconds of CPU each time, and fails while the broker is away: a "
        "whole fleet is then restarted. Read a heartbeat file.",
        level="advisory",
        types=WORKLOADS,
        check=_quiet,
    ),
    ResourceRule(
        "grace-exceeds-hard-limit",
        "A worker's pod may run on for longer than its longest task.",
        "critical",
        "Set terminationGracePeriodSeconds above `--time-limit`; at 30 s, the default, every "
        "scale-in kills what runs longer.",
        types=WORKLOADS,
        check=_grace,
        settings={"hardLimitSeconds": LIMIT_SETTING},
    ),
    ResourceRule(
        "gpu-placement",
        "GPU limit, toleration and node selection come together, or not at all.",
        "high",
        "Set the limit, the toleration of the GPU nodes' taint, and a nodeSelector. Without the "
        "limit a pod holds a GPU's node for nothing; without the others it never starts.",
        types=SCALABLE | {"kubernetes:batch/v1:Job", "kubernetes:core/v1:Pod"},
        check=_gpu,
        settings={
            "resources": Setting(
                default=["nvidia.com/gpu", "amd.com/gpu"],
                schema={
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Device resources; a toleration of the same key belongs to one.",
                },
            )
        },
    ),
)
