"""KEDA's ScaledObjects: what each scales, and which Redis keys it counts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from celery_policy.pods import CONFIG_MAP, CeleryWorkload, namespace
from celery_policy.resource import Resource, Stack
from celery_policy.tree import Node

SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
SCALED_JOB = "kubernetes:keda.sh/v1alpha1:ScaledJob"
_REDIS = frozenset({"redis", "redis-sentinel", "redis-cluster"})
PRIORITY_SEPARATOR = "\x06\x16"
"""Between a queue's name and a priority step: kombu's own (kombu/transport/redis.py, `sep`)."""
IN_FLIGHT = "unacked"
"""kombu's hash of delivered messages (`unacked_key`); workers with one of their own add to it."""


@dataclass(frozen=True)
class Trigger:
    """A key that a ScaledObject counts."""

    key: str
    """Without the broker's key prefix."""

    def queue(self, separator: str) -> str:
        """Its queue, were it a list of one."""
        name, found, step = self.key.rpartition(separator)
        return name if found and step.isdigit() else self.key

    @property
    def is_in_flight(self) -> bool:
        return self.key == IN_FLIGHT or self.key.startswith((f"{IN_FLIGHT}:", f"{IN_FLIGHT}."))


def target(scaled: Resource) -> tuple[str, str]:
    """Namespace and name of what a ScaledObject scales."""
    return namespace(scaled), scaled.root["spec"]["scaleTargetRef"]["name"].text


def triggers(scaled: Resource, prefix: str) -> list[Trigger]:
    """Keys that its Redis triggers count."""
    return [
        Trigger(each["metadata"]["listName"].text.removeprefix(prefix))
        for each in scaled.root["spec"]["triggers"].items()
        if each["type"].text in _REDIS
    ]


def settings_document(worker: CeleryWorkload, stack: Stack) -> Node:
    """JSON settings of the fleet, out of a ConfigMap that the worker mounts; empty without one."""
    place, _ = worker.place
    mounted = {each["configMap"]["name"].text for each in worker.spec["volumes"].items()}
    for resource in stack.of([CONFIG_MAP]):
        metadata = resource.root["metadata"]
        if namespace(resource) == place and metadata["name"].text in mounted:
            for name, text in resource.root["data"].entries().items():
                document = _parsed(text.text) if name.endswith(".json") else {}
                if "visibilityTimeoutSeconds" in document:
                    return Node(document, name)
    return Node({})


def _parsed(text: str) -> dict[str, object]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def scaled_workers(
    stack: Stack, workers: list[CeleryWorkload]
) -> Iterator[tuple[Resource, CeleryWorkload]]:
    """ScaledObjects with the worker that each scales.

    One whose target is not known yet is paired with none; `scaler-counts-own-queues` tells of it.
    """
    for scaled in stack.of([SCALED_OBJECT]):
        for worker in workers:
            if worker.place == target(scaled):
                yield scaled, worker
