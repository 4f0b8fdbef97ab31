"""How KEDA scales one worker: what it counts in Redis, and how fast replicas follow."""

from infra import names
from infra.manifests import Manifest
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.sizing import Trigger, WorkerPlan

_SCALE_UP_PERIOD_S = 15


def scaled_object(config: FleetConfig, name: str) -> Manifest:
    """Spec of a worker's ScaledObject.

    No `fallback`: without it an unreachable Redis leaves the replicas as they are; with it GPU
    nodes wake or workers go to zero (KEDA 2.21, pkg/scaling/executor).
    """
    derived = plan(config, name)
    polling = derived.polling_interval_s
    return {
        "scaleTargetRef": {"name": names.worker_object(name)},
        "minReplicaCount": derived.min_replicas,
        "maxReplicaCount": derived.max_replicas,
        **({"pollingInterval": polling} if polling is not None else {}),
        "cooldownPeriod": derived.cooldown_period_s,
        # Else a new object that has not been active yet goes to zero at once.
        "initialCooldownPeriod": derived.cooldown_period_s,
        "advanced": {
            "horizontalPodAutoscalerConfig": {"behavior": _behavior(derived)},
            "scalingModifiers": {
                "formula": derived.formula,
                "target": str(derived.concurrency),
                "activationTarget": "0",
                "metricType": "AverageValue",
            },
        },
        "triggers": [_trigger(trigger, config.broker.key_prefix) for trigger in derived.triggers],
    }


def trigger_authentication(secret: str = names.BROKER, *, authority: bool = True) -> Manifest:
    """Spec of the TriggerAuthentication: address, credentials and CA come from the Secret."""
    keys = {
        "address": "address",
        "username": "username",
        "password": "password",
        "tls": "tls",
        **({"ca": "ca.crt"} if authority else {}),
    }
    return {
        "secretTargetRef": [
            {"parameter": parameter, "name": secret, "key": key} for parameter, key in keys.items()
        ]
    }


def _trigger(trigger: Trigger, key_prefix: str) -> Manifest:
    return {
        "type": "redis",
        "name": trigger.name,
        "metadata": {
            "listName": f"{key_prefix}{trigger.key}",
            # Required by KEDA; the formula's target decides.
            "listLength": "1",
            "databaseIndex": "0",
        },
        "authenticationRef": {"name": names.BROKER},
    }


def _behavior(derived: WorkerPlan) -> Manifest:
    """Up to the maximum in one step; down once the window of the cooldown has passed."""
    all_at_once = {
        "type": "Pods",
        "value": derived.max_replicas,
        "periodSeconds": _SCALE_UP_PERIOD_S,
    }
    return {
        "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [all_at_once]},
        "scaleDown": {
            "stabilizationWindowSeconds": derived.cooldown_period_s,
            "policies": [all_at_once],
        },
    }
