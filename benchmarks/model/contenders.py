"""The policies side by side: ours, five peers as they ship and with our delivery, and ablations."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from benchmarks.model.case import Case
from fleet.simulation import QueueMetric, ScalingPolicy
from fleet.simulation.peers import airflow_chart, cpu_hpa, keda_defaults, mitodl_cms, static
from fleet.simulation.policy import KUBERNETES_GRACE_S

Contender = Callable[[Case], ScalingPolicy]
OURS = "celery-fleet"
AMPLE = "static, ample"
# As shipped a peer also has its own prefetch, acknowledgement, grace and visibility timeout.
FAIR_MARK = " *"
HINDSIGHT = "static, hindsight"
_FIXED = "static at "


def _need(one: Case) -> int:
    """Replicas that the declared burst needs at once: how a fixed number would be chosen."""
    wanted = math.ceil(one.plan.slots.at_burst / one.plan.concurrency)
    return max(1, min(wanted, one.plan.max_replicas))


PEERS: Mapping[str, Contender] = {
    "KEDA defaults": lambda one: keda_defaults(one.plan.max_replicas, one.plan.concurrency),
    "Airflow chart": lambda one: airflow_chart(one.plan.max_replicas, one.plan.concurrency),
    "mitodl CMS": lambda one: mitodl_cms(one.plan.max_replicas, one.plan.concurrency),
    "CPU HPA 80 %": lambda one: cpu_hpa(one.plan.max_replicas, one.plan.concurrency),
    "static": lambda one: static(_need(one), one.plan.concurrency),
}


def _with_our_delivery(peer: Contender) -> Contender:
    def policy(one: Case) -> ScalingPolicy:
        return replace(peer(one), delivery=one.delivery)

    return policy


def _ample(one: Case) -> ScalingPolicy:
    """Whether any number of replicas keeps the promise: all that the load could use, always."""
    return _fixed(one, one.ample_replicas)


def _fixed(one: Case, replicas: int) -> ScalingPolicy:
    return replace(static(replicas, one.plan.concurrency), delivery=one.delivery)


def _pending_only(one: Case) -> ScalingPolicy:
    metric = one.own_policy.metric
    if not isinstance(metric, QueueMetric):
        raise TypeError(f"{one.name} scales on {metric}, not on a queue")
    return replace(one.own_policy, metric=replace(metric, in_flight_weight=0.0))


def _prefetch_4(one: Case) -> ScalingPolicy:
    held = replace(one.delivery, prefetch_multiplier=4, disable_prefetch=False)
    return replace(one.own_policy, delivery=held)


def _grace_30(one: Case) -> ScalingPolicy:
    short = replace(one.delivery, grace_s=KUBERNETES_GRACE_S)
    return replace(one.own_policy, delivery=short)


CONTENDERS: Mapping[str, Contender] = {
    OURS: lambda one: one.own_policy,
    **PEERS,
    **{name + FAIR_MARK: _with_our_delivery(peer) for name, peer in PEERS.items()},
    AMPLE: _ample,
}
ABLATIONS: Mapping[str, Contender] = {
    "ours, pending only": _pending_only,
    "ours, prefetch 4": _prefetch_4,
    "ours, grace 30 s": _grace_30,
}


def fixed(replicas: int) -> str:
    """Name of the policy that keeps so many replicas for ever."""
    return f"{_FIXED}{replicas}"


def policy(name: str, one: Case) -> ScalingPolicy:
    """The policy of that name for a queue.

    Raises:
        KeyError: no policy has the name.

    """
    if name.startswith(_FIXED):
        return _fixed(one, int(name.removeprefix(_FIXED)))
    return {**CONTENDERS, **ABLATIONS}[name](one)
