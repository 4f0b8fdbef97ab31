"""Rules about KEDA: what scalers count, who owns replicas, how long messages may be out."""

import json
import re
from collections.abc import Iterable, Iterator

from celery_policy.pods import (
    DEPLOYMENT,
    CeleryWorkload,
    namespace,
    object_name,
    workers_of,
)
from celery_policy.resource import Resource, Stack
from celery_policy.rule import Finding, ResourceRule, Setting, Settings, StackRule, judged
from celery_policy.rules.processes import LIMIT_SETTING
from celery_policy.scaling import (
    PRIORITY_SEPARATOR,
    SCALED_JOB,
    SCALED_OBJECT,
    settings_document,
    target,
    triggers,
)
from celery_policy.tree import NotKnownError

# kombu's own (kombu/transport/redis.py, `visibility_timeout`).
_KOMBU_VISIBILITY_S = 3600.0
_SECRET_KEY = re.compile(r"password|passwd|secret|token|apikey|api_key|credential", re.IGNORECASE)
_URL_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_OPTIONS = "CELERY_BROKER_TRANSPORT_OPTIONS"
_AIRFLOW = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"
_PREFIX = Setting(
    default="",
    schema={
        "type": "string",
        "description": "kombu's `global_keyprefix`, before every key of the broker.",
    },
)


def _no_password(resource: Resource, _: Settings) -> Iterator[str]:
    for trigger in resource.root["spec"]["triggers"].items():
        for key, node in trigger["metadata"].entries().items():
            # `passwordFromEnv` names a variable; what it holds is not in the object.
            if _SECRET_KEY.search(key) and not key.endswith("FromEnv") and node.held is not None:
                yield f"trigger {trigger['type'].text} has {key!r} in its metadata"
            elif _URL_WITH_PASSWORD.search(node.text):
                yield f"trigger {trigger['type'].text} has a login in {key!r}"


def _prefix(worker: CeleryWorkload, stack: Stack, settings: Settings) -> str:
    stated = settings_document(worker, stack)["keyPrefix"].text
    return stated or str(settings["keyPrefix"])


def _own_queues(stack: Stack, settings: Settings) -> Iterator[Finding]:
    workers, unclear = workers_of(stack)
    yield from unclear
    for scaled in stack.of([SCALED_OBJECT]):
        yield from judged(scaled, _queue_problems(scaled, workers, stack, settings))


def _queue_problems(
    scaled: Resource, workers: list[CeleryWorkload], stack: Stack, settings: Settings
) -> Iterator[str]:
    worker = next((each for each in workers if each.place == target(scaled)), None)
    if worker is None:
        return
    counted = triggers(scaled, _prefix(worker, stack, settings))
    told = settings_document(worker, stack)
    marks = {told["queues"][each]["pendingKey"].text: each for each in worker.process.queues}
    consumed = set(worker.process.queues)
    between = told["separator"].text or str(settings["separator"])
    lists = {
        each.key if each.key in consumed else marks.get(each.key, each.queue(between))
        for each in counted
        if not each.is_in_flight
    }
    if counted and (foreign := lists - consumed):
        yield f"it counts {_listed(foreign)}, and its worker consumes {_listed(consumed)}"
    if counted and (uncounted := consumed - lists):
        yield f"its worker consumes {_listed(uncounted)}, and no trigger counts that"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _own_in_flight(stack: Stack, settings: Settings) -> Iterator[Finding]:
    workers, unclear = workers_of(stack)
    yield from unclear
    keys: dict[str, list[tuple[Resource, str]]] = {}
    for scaled in stack.of([SCALED_OBJECT]):
        yield from judged(scaled, _in_flight_problems(scaled, workers, stack, settings, keys))
    for key, counting in keys.items():
        for scaled, _ in counting if len(counting) > 1 else ():
            others = sorted(name for other, name in counting if other is not scaled)
            yield Finding(f"it counts {key!r}, as {', '.join(others)} does too", scaled)


def _in_flight_problems(
    scaled: Resource,
    workers: list[CeleryWorkload],
    stack: Stack,
    settings: Settings,
    keys: dict[str, list[tuple[Resource, str]]],
) -> Iterator[str]:
    """Problems of one ScaledObject; notes in `keys` what it counts, to be compared with others."""
    worker = next((each for each in workers if each.place == target(scaled)), None)
    if worker is None:
        return
    told = settings_document(worker, stack)["workers"].entries().values()
    own = [
        each["inFlightKey"].text
        for each in told
        if {queue.text for queue in each["queues"].items()} == set(worker.process.queues)
    ]
    prefix = _prefix(worker, stack, settings)
    for trigger in triggers(scaled, prefix):
        if trigger.is_in_flight:
            keys.setdefault(f"{prefix}{trigger.key}", []).append((scaled, worker.place[1]))
            if own and trigger.key not in own:
                yield f"it counts {trigger.key!r}, and its worker's messages are in {_listed(own)}"


def _no_replicas(stack: Stack, _: Settings) -> Iterator[Finding]:
    owned = set()
    for scaled in stack.of([SCALED_OBJECT]):
        try:
            owned.add(target(scaled))
        except NotKnownError as error:
            yield Finding(str(error), scaled, is_known=False)
    for resource in stack.of([DEPLOYMENT]):
        yield from judged(resource, _replicas_problems(resource, owned))


def _replicas_problems(resource: Resource, owned: set[tuple[str, str]]) -> Iterator[str]:
    # An unknown number is stated all the same.
    is_stated = resource.root["spec"]["replicas"].held is not None
    if is_stated and (namespace(resource), object_name(resource)) in owned:
        yield "it states replicas, which its ScaledObject owns: each `up` would set them back"


def _within_visibility(stack: Stack, settings: Settings) -> Iterator[Finding]:
    workers, unclear = workers_of(stack)
    yield from unclear
    for worker in workers:
        yield from judged(worker.resource, _visibility_problems(worker, stack, settings))


def _visibility_problems(worker: CeleryWorkload, stack: Stack, settings: Settings) -> Iterator[str]:
    told = settings_document(worker, stack)
    if told["delivery"].text == "lease":
        # The worker renews what it holds; only of a dead worker does the time run out.
        return
    limit_s = worker.process.time_limit_s or settings["hardLimitSeconds"]
    if limit_s is None:
        return  # `grace-exceeds-hard-limit` asks for one.
    grace_s = worker.spec["terminationGracePeriodSeconds"].number or 0.0
    visible_s = told["visibilityTimeoutSeconds"].number or _visibility_s(worker, settings)
    if limit_s + grace_s >= visible_s:
        yield (
            f"hard limit {limit_s:.0f} s and grace {grace_s:.0f} s are not below the visibility "
            f"timeout of {visible_s:.0f} s: a task that still runs would be delivered again"
        )


def _visibility_s(worker: CeleryWorkload, settings: Settings) -> float:
    """The timeout of a worker: the rule's setting, a variable of the pod, else kombu's own."""
    if settings["visibilityTimeoutSeconds"] is not None:
        return float(settings["visibilityTimeoutSeconds"])
    try:
        if (airflow := worker.variable(_AIRFLOW)) is not None:
            return float(airflow)
        options = json.loads(worker.variable(_OPTIONS) or "{}")
        return float(options.get("visibility_timeout", _KOMBU_VISIBILITY_S))
    except (ValueError, AttributeError):
        return _KOMBU_VISIBILITY_S


RULES = (
    ResourceRule(
        "trigger-without-password",
        "No password in a ScaledObject's triggers.",
        "critical",
        "Name a TriggerAuthentication in authenticationRef; whoever may read ScaledObjects or the "
        "stack's state would read the password.",
        types=frozenset({SCALED_OBJECT, SCALED_JOB}),
        check=_no_password,
    ),
    StackRule(
        "scaler-counts-own-queues",
        "A ScaledObject counts the queues that its worker consumes, all of them and no other.",
        "critical",
        "Let listName be a name from the worker's --queues (with its priority steps), and count "
        "each of them; behind a key prefix set keyPrefix.",
        settings={
            "keyPrefix": _PREFIX,
            "separator": Setting(
                default=PRIORITY_SEPARATOR,
                schema={
                    "type": "string",
                    "description": "kombu's `sep`, between a queue and a priority step.",
                },
            ),
        },
        check=_own_queues,
    ),
    StackRule(
        "in-flight-key-is-own",
        "A ScaledObject counts the messages that its own worker holds, and no other worker's.",
        "high",
        "Give each worker its own broker_transport_options.unacked_key, and count that; with "
        "kombu's shared `unacked` one busy worker keeps all others up.",
        settings={"keyPrefix": _PREFIX},
        check=_own_in_flight,
    ),
    StackRule(
        "scaler-owns-replicas",
        "A Deployment under a ScaledObject states no replicas.",
        "high",
        "Leave spec.replicas out; KEDA's minReplicaCount says what is there at rest.",
        check=_no_replicas,
    ),
    StackRule(
        "limits-within-visibility-timeout",
        "Hard limit and grace together are below the visibility timeout.",
        "critical",
        "Raise visibility_timeout of broker_transport_options, in the pods' "
        f"{_OPTIONS} (JSON) or the rule's visibilityTimeoutSeconds, or lower --time-limit.",
        settings={
            "hardLimitSeconds": LIMIT_SETTING,
            "visibilityTimeoutSeconds": Setting(
                default=None,
                schema={
                    "type": "number",
                    "description": "Where the app's own code sets it, in seconds.",
                },
            ),
        },
        check=_within_visibility,
    ),
)
