"""From a worker's objectives to its numbers, each with its reason."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.models.cluster import NodeGroupSpec
from infra.models.queue import QueueSpec
from infra.models.tier import TierDefaults
from infra.models.worker import WorkerSpec
from infra.names import in_flight_key
from infra.sizing.erlang import fewest_slots
from infra.sizing.limits import grace_period_s
from infra.sizing.load import Load, combined
from infra.sizing.reaction import Reaction, reaction
from infra.sizing.triggers import Trigger, formula, triggers


@dataclass(frozen=True)
class Slots:
    """Slots that a load needs: for its steady part, for its burst, and kept in hand."""

    steady: int
    spare: int
    """Warm slots for a burst that no autoscaler can answer in time."""
    pending_weight: float
    """Slots that one waiting message asks for."""
    at_burst: int


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
    high, why_high = _maximum(worker, [queue for _, queue in queues], slots, tier, low)
    cooldown = worker.cooldown_period_s or tier.cooldown_period_s or react.cooldown_s
    counted = triggers(queues, in_flight_key(name))
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
        grace_s=grace_period_s(worker, [queue for _, queue in queues]),
        triggers=counted,
        formula=formula(counted, slots.pending_weight, slots.spare),
        reasons={"minReplicaCount": why_low, "maxReplicaCount": why_high},
    )


def slots_needed(load: Load, react: Reaction) -> Slots:
    """Slots for the steady load, and how a burst is answered."""
    steady = max(1, fewest_slots(load.per_s, load.mean_s, load.wait_s, load.quantile, load.spread))
    in_time = load.wait_s > react.from_one_s
    drain_s = (load.wait_s - react.from_one_s) / 2 if in_time else load.wait_s
    weight = min(1.0, load.mean_s / max(load.mean_s, drain_s))
    each_slot = max(1.0, (load.wait_s + load.burst_s) / load.mean_s)
    spare = 0 if load.wait_s >= react.from_one_s else math.ceil(load.burst / each_slot)
    answered = load.burst * min(1.0, load.mean_s / max(load.mean_s, load.burst_s))
    at_burst = max(load.burst * weight if in_time else answered, spare)
    return Slots(steady, spare, round(weight, 3), math.ceil(steady + at_burst))


def _minimum(worker: WorkerSpec, load: Load, react: Reaction, slots: Slots) -> tuple[int, str]:
    """Replicas that stay, and why."""
    if worker.min_replicas is not None:
        return worker.min_replicas, "stated"
    wait = f"tolerated wait {load.wait_s:g} s"
    if load.wait_s >= max(react.from_zero_s, react.from_one_s):
        return 0, f"{wait} covers a start from zero ({react.from_zero_s:g} s)"
    warm = math.ceil((slots.steady + slots.spare) / worker.concurrency)
    return warm, (
        f"{wait} is below the HPA's period and a start ({react.from_one_s:g} s): "
        f"{slots.steady} steady and {slots.spare} spare slots stay warm"
    )


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
