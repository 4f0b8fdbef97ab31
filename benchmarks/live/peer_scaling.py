"""A peer's rule, as the simulator knows it, as a ScaledObject; seconds are a real cluster's."""

from fleet.simulation import Behavior, QueueMetric, Rules, ScalingPolicy
from infra import names
from infra.manifests import Manifest


def scaled_object(
    policy: ScalingPolicy, worker: str, pending_key: str, in_flight_key: str
) -> Manifest:
    """Spec of the ScaledObject that a peer would have for this worker; whole Redis keys are given.

    Raises:
        TypeError: the policy counts no messages, so KEDA's redis scaler cannot follow it.

    """
    if not isinstance(policy.metric, QueueMetric):
        raise TypeError(f"{policy.name} does not scale on messages: there is no ScaledObject of it")
    return {
        "scaleTargetRef": {"name": names.worker_object(worker)},
        "minReplicaCount": policy.min_replicas,
        "maxReplicaCount": policy.max_replicas,
        "pollingInterval": round(policy.polling_interval_s),
        "cooldownPeriod": round(policy.cooldown_s),
        "advanced": {
            "horizontalPodAutoscalerConfig": {"behavior": _behavior(policy.behavior)},
            **_modifiers(policy.metric),
        },
        "triggers": _triggers(policy.metric, pending_key, in_flight_key),
    }


def _behavior(behavior: Behavior | None) -> Manifest:
    """Kubernetes' defaults are written out, since they too have to be put into stage seconds.

    An HPA without a behavior grows by the older rule, max(2n, 4) a sync, not n + max(4, n).
    """
    stated = behavior or Behavior()
    return {"scaleUp": _rules(stated.up), "scaleDown": _rules(stated.down)}


def _rules(rules: Rules) -> Manifest:
    return {
        "stabilizationWindowSeconds": round(rules.window_s),
        "selectPolicy": rules.select,
        "policies": [
            {"type": rate.kind, "value": rate.value, "periodSeconds": round(rate.period_s)}
            for rate in rules.rates
        ],
    }


def _modifiers(metric: QueueMetric) -> Manifest:
    """A formula where running tasks count, as Airflow's query counts them; none otherwise."""
    if not metric.in_flight_weight:
        return {}
    wanted = f"{metric.in_flight_weight:g} * in_flight + {metric.pending_weight:g} * pending"
    formula = f"ceil(({wanted}) / {metric.target:g})" if metric.rounds_up else wanted
    target = f"{metric.per_replica:g}"
    return {
        "scalingModifiers": {"formula": formula, "target": target, "metricType": "AverageValue"}
    }


def _triggers(metric: QueueMetric, pending: str, in_flight: str) -> list[Manifest]:
    counted = {"pending": pending}
    if metric.in_flight_weight:
        counted["in_flight"] = in_flight
    return [
        {
            "type": "redis",
            "name": name,
            "metadata": {
                "listName": key,
                "listLength": f"{metric.target:g}",
                "databaseIndex": "0",
            },
            "authenticationRef": {"name": names.BROKER},
        }
        for name, key in counted.items()
    ]
