"""Rules about previews of a branch: bounded, mute, and without production's secrets."""

import re
from collections.abc import Iterator

from celery_policy.pods import WORKLOADS, containers, named, pod_spec, workers_of
from celery_policy.resource import Resource, Stack
from celery_policy.rule import PREVIEW, PRODUCTION, Finding, Setting, Settings, StackRule, judged
from celery_policy.scaling import scaled_workers
from celery_policy.tree import Node, NotKnownError

_STACK_REFERENCE = "pulumi:pulumi:StackReference"
RULE_OBJECT = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
_PAGING = {
    "aws:sns/topicSubscription:TopicSubscription": "an alarm's subscription",
    "kubernetes:monitoring.coreos.com/v1alpha1:AlertmanagerConfig": "a route to receivers",
    "kubernetes:monitoring.coreos.com/v1beta1:AlertmanagerConfig": "a route to receivers",
}
# KEDA's own (`maxReplicaCount`).
_DEFAULT_MAXIMUM = 100.0


def _caps(stack: Stack, settings: Settings) -> Iterator[Finding]:
    workers, unclear = workers_of(stack)
    yield from unclear
    gpus = 0.0
    for scaled, worker in scaled_workers(stack, workers):
        yield from judged(scaled, _replicas_problems(scaled, settings["maxReplicas"]))
        try:
            gpus += _maximum(scaled) * _gpus(worker.container)
        except NotKnownError as error:
            yield Finding(str(error), scaled, is_known=False)
    if gpus > settings["maxGpus"]:
        yield Finding(
            f"its workers may take {gpus:.0f} GPUs, a preview {settings['maxGpus']:.0f} at most"
        )


def _replicas_problems(scaled: Resource, most: float) -> Iterator[str]:
    if (maximum := _maximum(scaled)) > most:
        yield f"maxReplicaCount is {maximum:.0f}, above the {most:.0f} of a preview"


def _maximum(scaled: Resource) -> float:
    stated = scaled.root["spec"]["maxReplicaCount"].number
    return _DEFAULT_MAXIMUM if stated is None else stated


def _gpus(container: Node) -> float:
    limits = container["resources"]["limits"].entries()
    return sum(node.number or 0 for key, node in limits.items() if key.endswith("/gpu"))


def _mute(stack: Stack, settings: Settings) -> Iterator[Finding]:
    for resource in stack.of(_PAGING):
        yield Finding(f"it is {_PAGING[resource.type]}: a preview wakes nobody", resource)
    for resource in stack.of([RULE_OBJECT]):
        yield from judged(resource, _loud_alerts(resource, settings["severities"]))


def _loud_alerts(resource: Resource, severities: list[str]) -> Iterator[str]:
    for group in resource.root["spec"]["groups"].items():
        for alert in group["rules"].items():
            if (severity := alert["labels"]["severity"].text) in severities:
                yield f"alert {alert['alert'].text} has severity {severity}"


def _secrets(stack: Stack, settings: Settings) -> Iterator[Finding]:
    pattern = re.compile(settings["production"])
    for resource in stack.of([_STACK_REFERENCE]):
        yield from judged(resource, _production_stack(resource, pattern))
    for resource in stack.of(WORKLOADS):
        yield from judged(resource, _production_secrets(resource, pattern))


def _production_stack(resource: Resource, pattern: re.Pattern[str]) -> Iterator[str]:
    name = resource.root["name"].text or resource.name
    if pattern.search(name.rsplit("/", 1)[-1]):
        yield f"it reads outputs of {name}"


def _production_secrets(resource: Resource, pattern: re.Pattern[str]) -> Iterator[str]:
    spec = pod_spec(resource)
    for volume in spec["volumes"].items():
        if pattern.search(volume["secret"]["secretName"].text):
            yield f"it mounts Secret {volume['secret']['secretName'].text}"
    for container in containers(spec):
        named_by = [each["secretRef"]["name"] for each in container["envFrom"].items()]
        # A variable's own value may well be unknown, and is no Secret's.
        drawn = (each["valueFrom"] for each in container["env"].items())
        named_by += [each["secretKeyRef"]["name"] for each in drawn if each.held is not None]
        for name in named_by:
            if pattern.search(name.text):
                yield f"{named(container)} reads Secret {name.text}"


def _number(default: int, told: str) -> Setting:
    return Setting(default=default, schema={"type": "number", "description": told})


RULES = (
    StackRule(
        "preview-caps",
        "A preview takes few replicas and few GPUs.",
        "high",
        "Lower maxReplicaCount, or leave workers on GPUs out of previews.",
        stacks=PREVIEW,
        settings={
            "maxReplicas": _number(5, "Of one worker."),
            "maxGpus": _number(0, "Of all workers together."),
        },
        check=_caps,
    ),
    StackRule(
        "preview-pages-nobody",
        "A preview wakes nobody.",
        "medium",
        "Leave subscriptions and routes out, and label its alerts with a severity that only shows.",
        stacks=PREVIEW,
        settings={
            "severities": Setting(
                default=["critical", "page"],
                schema={
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Severities that page.",
                },
            )
        },
        check=_mute,
    ),
    StackRule(
        "preview-without-production-secrets",
        "A preview reads nothing that is production's.",
        "critical",
        "Give previews Secrets and a base stack of their own.",
        stacks=PREVIEW,
        settings={
            "production": Setting(
                default=PRODUCTION,
                schema={"type": "string", "description": "Pattern of production's names."},
            )
        },
        check=_secrets,
    ),
)
