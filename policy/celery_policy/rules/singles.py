"""Rules about what goes with Celery's pods: one beat, budgets, network policies."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import ceil

from celery_policy.pods import (
    DEPLOYMENT,
    STATEFUL_SET,
    CeleryWorkload,
    celery_of,
    namespace,
    workers_of,
)
from celery_policy.resource import Resource, Stack
from celery_policy.rule import Finding, Setting, Settings, StackRule, judged
from celery_policy.scaling import SCALED_OBJECT, scaled_workers, target
from celery_policy.tree import Node

BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_ALL = 100.0


def _one_beat(stack: Stack, settings: Settings) -> Iterator[Finding]:
    found, unclear = celery_of(stack)
    yield from unclear
    beats: dict[tuple[str, str], list[CeleryWorkload]] = defaultdict(list)
    for each in found:
        if each.process.kind == "beat":
            place = namespace(each.resource), each.process.option("-A", "--app") or ""
            beats[place].append(each)
            yield from judged(each.resource, _beat_problems(each, stack))
        elif each.process.embeds_beat:
            yield Finding("its worker embeds beat: each replica sends schedules", each.resource)
    for same in beats.values():
        for each in same if len(same) > 1 else ():
            yield Finding(f"it is one of {len(same)} beats of one app", each.resource)
    if settings["required"] and not beats and not unclear:
        yield Finding("no workload runs `celery beat`")


def _beat_problems(beat: CeleryWorkload, stack: Stack) -> Iterator[str]:
    spec = beat.resource.root["spec"]
    if beat.resource.type not in {DEPLOYMENT, STATEFUL_SET}:
        yield "beat is neither in a Deployment nor in a StatefulSet"
    replicas = spec["replicas"].number
    if replicas is not None and replicas != 1:
        yield f"it has {replicas:.0f} replicas: every schedule is sent as often"
    # A StatefulSet starts no second pod of a name.
    if beat.resource.type == DEPLOYMENT and spec["strategy"]["type"].text != "Recreate":
        yield "its strategy is not Recreate: during a rollout two of it run side by side"
    if any(target(scaled) == beat.place for scaled in stack.of([SCALED_OBJECT])):
        yield "a ScaledObject scales it"


def _budget_drains(stack: Stack, _: Settings) -> Iterator[Finding]:
    workers, unclear = workers_of(stack)
    yield from unclear
    for budget in stack.of([BUDGET]):
        yield from judged(budget, _draining_problems(budget, workers, stack))


def _draining_problems(
    budget: Resource, workers: list[CeleryWorkload], stack: Stack
) -> Iterator[str]:
    spec = budget.root["spec"]
    for worker in workers:
        if not _selects(budget, spec["selector"], worker):
            continue
        resting = _pods_at_rest(worker, stack, workers)
        if spec["maxUnavailable"].is_given and _amount(spec["maxUnavailable"], resting) < 1:
            yield "maxUnavailable is 0: no node of its pods can ever be drained"
        if spec["minAvailable"].is_given and _amount(spec["minAvailable"], resting) >= resting:
            yield (
                f"minAvailable is {spec['minAvailable'].value}, and worker {worker.place[1]!r} "
                f"rests at {resting}: a node of its pods cannot be drained then"
            )


def _pods_at_rest(worker: CeleryWorkload, stack: Stack, workers: list[CeleryWorkload]) -> int:
    """Pods that a worker is sure to have while it has any."""
    for scaled, scaled_worker in scaled_workers(stack, workers):
        if scaled_worker is worker:
            return max(1, int(scaled.root["spec"]["minReplicaCount"].number or 0))
    return max(1, int(worker.resource.root["spec"]["replicas"].number or 1))


def _amount(node: Node, pods: int) -> int:
    """A number of pods; percentages are rounded up, as the disruption controller does."""
    if node.text.endswith("%"):
        return ceil(float(node.text[:-1]) / _ALL * pods)
    return int(node.number or 0)


def _has_budget(stack: Stack, _: Settings) -> Iterator[Finding]:
    workers, unclear = workers_of(stack)
    yield from unclear
    for worker in workers:
        yield from judged(worker.resource, _budget_problems(worker, stack, workers))


def _budget_problems(
    worker: CeleryWorkload, stack: Stack, workers: list[CeleryWorkload]
) -> Iterator[str]:
    if _is_of_one_pod(worker, stack, workers):
        return
    budgets = stack.of([BUDGET])
    if not any(_selects(each, each.root["spec"]["selector"], worker) for each in budgets):
        yield "no PodDisruptionBudget selects its pods: a drain may take all of them at once"


def _is_of_one_pod(worker: CeleryWorkload, stack: Stack, workers: list[CeleryWorkload]) -> bool:
    """Whether it is never scaled beyond one: one pod at a time is all that there is."""
    scaled = [each for each, of in scaled_workers(stack, workers) if of is worker]
    return any(each.root["spec"]["maxReplicaCount"].number == 1 for each in scaled)


def _has_network_policy(stack: Stack, _: Settings) -> Iterator[Finding]:
    found, unclear = celery_of(stack)
    yield from unclear
    for each in found:
        yield from judged(each.resource, _network_problems(each, stack))


def _network_problems(workload: CeleryWorkload, stack: Stack) -> Iterator[str]:
    covered: set[str] = set()
    for policy in stack.of([NETWORK_POLICY]):
        spec = policy.root["spec"]
        if _selects(policy, spec["podSelector"], workload):
            covered.update(_directions(spec))
    if open_directions := sorted({"Ingress", "Egress"} - covered):
        yield f"no NetworkPolicy bounds its {' and '.join(open_directions).lower()}"


def _directions(spec: Node) -> Iterable[str]:
    """What a policy bounds; Kubernetes' own default where it does not say."""
    stated = spec["policyTypes"].strings()
    return stated or ("Ingress", *(("Egress",) if spec["egress"].is_given else ()))


def _selects(selecting: Resource, selector: Node, workload: CeleryWorkload) -> bool:
    """Whether an object in the workload's namespace selects its pods, by labels."""
    if namespace(selecting) != workload.place[0]:
        return False
    # Expressions are taken to match: they only narrow what the labels select.
    return selector["matchLabels"].texts().items() <= workload.labels.items()


RULES = (
    StackRule(
        "one-beat",
        "One beat for an app, in one replica, replaced and never doubled.",
        "critical",
        "Run `celery beat` in a Deployment of its own with replicas 1 and strategy Recreate; never "
        "`worker -B`.",
        settings={
            "required": Setting(
                default=False,
                schema={"type": "boolean", "description": "Whether a stack must have a beat."},
            )
        },
        check=_one_beat,
    ),
    StackRule(
        "worker-has-budget",
        "A PodDisruptionBudget selects the pods of each worker that may have several.",
        "medium",
        "Make one with maxUnavailable 1 and unhealthyPodEvictionPolicy AlwaysAllow.",
        check=_has_budget,
    ),
    StackRule(
        "budget-permits-draining",
        "A worker's PodDisruptionBudget lets its nodes be drained.",
        "high",
        "Use maxUnavailable 1: minAvailable 1 holds the node of a single pod for ever, and with it "
        "every upgrade.",
        check=_budget_drains,
    ),
    StackRule(
        "network-policy-present",
        "A NetworkPolicy bounds what reaches Celery's pods, and what they reach.",
        "medium",
        "Select the pods by a policy of both policyTypes; let workers reach broker and DNS, and "
        "what their tasks need.",
        check=_has_network_policy,
    ),
)
