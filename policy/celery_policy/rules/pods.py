"""Rules about each pod template: image, resources, privileges, access to its host."""

import re
from collections.abc import Iterator

from celery_policy.pods import WORKLOADS, containers, named, pod_spec
from celery_policy.resource import Resource
from celery_policy.rule import THROWAWAY, ResourceRule, Setting, Settings
from celery_policy.tree import Node

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_PROFILES = ("RuntimeDefault", "Localhost")
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")


def _images(resource: Resource, _: Settings) -> Iterator[str]:
    for container in containers(pod_spec(resource)):
        image = container["image"].text
        if not _DIGEST.search(image):
            yield f"{named(container)} runs {image or 'no image'!r}, which names no digest"


def _resources(resource: Resource, settings: Settings) -> Iterator[str]:
    wanted = [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")]
    if settings["cpuLimit"]:
        wanted.append(("limits", "cpu"))
    for container in containers(pod_spec(resource)):
        stated = container["resources"]
        lacking = [f"{kind}.{what}" for kind, what in wanted if not _is_stated(stated, kind, what)]
        if lacking:
            yield f"{named(container)} states no {', '.join(lacking)}"


def _is_stated(stated: Node, kind: str, what: str) -> bool:
    # An unknown amount is one that is stated.
    return stated[kind][what].held is not None


def _restricted(resource: Resource, _: Settings) -> Iterator[str]:
    spec = pod_spec(resource)
    pod = spec["securityContext"]
    for container in containers(spec):
        own = container["securityContext"]
        lacking = [
            *([] if _of_either(own, pod, "runAsNonRoot").is_true else ["runAsNonRoot: true"]),
            *([] if _is_confined(own, pod) else ["seccompProfile.type: RuntimeDefault"]),
            *(
                []
                if own["allowPrivilegeEscalation"].is_false
                else ["allowPrivilegeEscalation: false"]
            ),
            *([] if "ALL" in own["capabilities"]["drop"].strings() else ["capabilities.drop: ALL"]),
        ]
        if lacking:
            yield f"{named(container)} lacks {', '.join(lacking)}"


def _of_either(own: Node, pod: Node, key: str) -> Node:
    """The container's own setting, else the pod's."""
    return own[key] if own[key].is_given else pod[key]


def _is_confined(own: Node, pod: Node) -> bool:
    return _of_either(own, pod, "seccompProfile")["type"].text in _PROFILES


def _host(resource: Resource, _: Settings) -> Iterator[str]:
    spec = pod_spec(resource)
    for key in _HOST_NAMESPACES:
        if spec[key].is_true:
            yield f"the pod has {key}"
    for volume in spec["volumes"].items():
        if volume["hostPath"].is_given:
            path = volume["hostPath"]["path"].text
            yield f"volume {volume['name'].text!r} is {path!r} of the host"
    for container in containers(spec):
        yield from _host_of_container(container)


def _host_of_container(container: Node) -> Iterator[str]:
    if container["securityContext"]["privileged"].is_true:
        yield f"{named(container)} is privileged"
    for port in container["ports"].items():
        if port["hostPort"].number:
            yield f"{named(container)} takes port {port['hostPort'].number:.0f} of the host"


RULES = (
    ResourceRule(
        "image-by-digest",
        "Outside previews an image is named by its digest.",
        "high",
        "Write `repository@sha256:...`. A tag, `latest` above all, may name another image "
        "tomorrow: pods of one Deployment would run different code.",
        types=WORKLOADS,
        check=_images,
        but_stacks=THROWAWAY,
    ),
    ResourceRule(
        "container-resources",
        "A container states what it requests, and at most how much memory it takes.",
        "medium",
        "Set resources.requests.cpu, requests.memory and limits.memory: without requests neither "
        "scheduler nor node autoscaler can tell how many pods a node bears.",
        types=WORKLOADS,
        check=_resources,
        settings={
            "cpuLimit": Setting(
                default=False, schema={"type": "boolean", "description": "Ask for limits.cpu too."}
            )
        },
    ),
    ResourceRule(
        "pod-restricted",
        "A pod meets the Pod Security Standard `restricted`.",
        "high",
        "Set runAsNonRoot, seccompProfile RuntimeDefault, allowPrivilegeEscalation false and drop "
        "ALL capabilities.",
        types=WORKLOADS,
        check=_restricted,
    ),
    ResourceRule(
        "pod-no-host-access",
        "A pod uses nothing of its host: no namespace, path, port or privilege.",
        "critical",
        "Use a volume claim in place of hostPath, a Service in place of hostPort. Exempt, with its "
        "reason, what has to see the host, such as a node's metrics agent.",
        types=WORKLOADS,
        check=_host,
    ),
)
