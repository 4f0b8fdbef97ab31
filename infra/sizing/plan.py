"""From a worker's objectives to its numbers, each with its reason."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from infra.models.cluster import NodeGroupSpec
from infra.models.queue import QueueSpec
from infra.models.tier import TierDefaults
from infra.models.worker import WorkerSpec
from infra.names import in_flight_key
from infra.sizing.burst import slots_in_burst
from infra.sizing.limits import grace_period_s
from infra.sizing.load import Load, combined
from infra.sizing.reaction import Reaction, reaction
from infra.sizing.slots import Slots, slots_needed
from infra.sizing.triggers import Trigger, formula, triggers


@dataclass(frozen=True)
class WorkerPlan:
    """Every derived number of one worker."""

    name: str
    load: Load
    reaction: Reaction
    slots: Slots
    concurrency: int
    min_replicas: int
    max_replicas: int
    polling_interval_s: int | None
    cooldown_period_s: int
    grace_s: int
    triggers: tuple[Trigger, ...]
    formula: str
    reasons: Mapping[str, str]
    """Why, by number."""


def plan_worker(
    name: str,
    worker: WorkerSpec,
    queues: Sequence[tuple[str, QueueSpec]],
    group: NodeGroupSpec,
    tier: TierDefaults,
    *,
    hpa_s: int,
) -> WorkerPlan:
    """Derive the numbers that a worker does not state itself."""
    load = combined([queue.objective for _, queue in queues])
    stated_poll = worker.polling_interval_s or tier.polling_interval_s
    react = reaction(worker, group, hpa_s, load.wait_s, stated_poll)
    slots = slots_needed(load, react)
    low, why_low = _minimum(worker, load, react, slots)
    if worker.min_replicas is None:
        low, why_low = _held_down(low, why_low, worker, tier)
    if low == 0:
        # A constant in the formula would be activity for ever.
        slots = replace(slots, kept_free=0)
    high, why_high = _maximum(worker, [queue for _, queue in queues], slots, tier, low)
    cooldown = worker.cooldown_period_s or tier.cooldown_period_s or react.cooldown_s
    counted = triggers(queues, in_flight_key(name))
    grace_s = grace_period_s(worker, [queue for _, queue in queues], group.longest_drain_s)
    return WorkerPlan(
        name=name,
        load=load,
        reaction=react,
        slots=slots,
        concurrency=worker.concurrency,
        min_replicas=low,
        max_replicas=high,
        polling_interval_s=react.poll_s if low == 0 else None,
        cooldown_period_s=cooldown,
        grace_s=grace_s,
        triggers=counted,
        formula=formula(counted, slots.pending_weight, slots.kept_free),
        reasons={
            "minReplicaCount": why_low,
            "maxReplicaCount": why_high,
            "formula": _why_formula(slots),
            **_why_grace(worker, grace_s, group.longest_drain_s),
        },
    )


def _minimum(worker: WorkerSpec, load: Load, react: Reaction, slots: Slots) -> tuple[int, str]:
    """Replicas that stay, and why."""
    if worker.min_replicas is not None:
        return worker.min_replicas, "stated"
    wait = f"tolerated wait {load.wait_s:g} s"
    if load.wait_s >= max(react.from_zero_s, react.from_one_s):
        return 0, f"{wait} covers a start from zero ({react.from_zero_s:g} s)"
    if load.wait_s >= react.from_zero_s and _one_pod_answers(worker, load, react, slots):
        return 0, f"{wait} covers a start from zero ({react.from_zero_s:g} s) of the one pod needed"
    warm = math.ceil((slots.steady + slots.spare) / worker.concurrency)
    return warm, (
        f"{wait} is below the HPA's period and a start ({react.from_one_s:g} s): "
        f"{slots.steady} steady and {slots.spare} spare slots stay warm"
    )


def _one_pod_answers(worker: WorkerSpec, load: Load, react: Reaction, slots: Slots) -> bool:
    """Whether the pod that KEDA starts from zero, without the HPA, keeps the promise alone."""
    left_s = load.wait_s - react.from_zero_s
    needed = slots_in_burst(load, slots.steady, left_s)
    return needed <= worker.concurrency


def _held_down(low: int, why: str, worker: WorkerSpec, tier: TierDefaults) -> tuple[int, str]:
    """A derived minimum never exceeds a maximum that somebody stated."""
    cap, whose = tier.max_replicas, "the tier's cap"
    if worker.max_replicas is not None:
        cap, whose = worker.max_replicas, "maxReplicaCount"
    if cap is None or low <= cap:
        return low, why
    return cap, f"{why}: {low} replicas, held down by {whose}"


def _maximum(
    worker: WorkerSpec, queues: Sequence[QueueSpec], slots: Slots, tier: TierDefaults, low: int
) -> tuple[int, str]:
    if worker.max_replicas is not None:
        return worker.max_replicas, "stated"
    need = math.ceil(slots.at_burst / worker.concurrency)
    caps = [(2 * need, f"twice the {need} that the declared burst needs")]
    if tier.max_replicas is not None:
        caps.append((tier.max_replicas, "the tier's cap"))
    for queue in queues:
        if queue.max_concurrency is not None:
            bearable = max(1, queue.max_concurrency // worker.concurrency)
            caps.append((bearable, f"maxConcurrency {queue.max_concurrency} of a queue"))
    return max((min(caps)[0], low)), min(caps)[1]


def _why_grace(worker: WorkerSpec, grace_s: int, drain_s: int | None) -> dict[str, str]:
    """Why the grace is as it is, where its nodes would not wait for the usual one."""
    if worker.grace_s is not None or drain_s is None or grace_s != drain_s - 1:
        return {}
    told = f"below the {drain_s} s that its nodes wait when they go"
    return {"terminationGracePeriodSeconds": told}


def _why_formula(slots: Slots) -> str:
    weight = slots.pending_weight
    why = "each waiting message asks for a slot of its own"
    if weight < 1:
        why = f"one slot for {1 / weight:.3g} messages, waiting or in flight"
    return f"{why}; {slots.kept_free} stay free for a burst" if slots.kept_free else why
