"""Four classes of queues: defaults for whoever states little; each number can be overridden."""

from collections.abc import Mapping
from typing import Any, Literal

QueueClass = Literal["interactive", "batch", "long", "gpu"]

CLASS_DEFAULTS: Mapping[QueueClass, Mapping[str, Any]] = {
    # Someone waits for the answer.
    "interactive": {
        "softTimeLimitSeconds": 45,
        "timeLimitSeconds": 60,
        "objective": {
            "typicalSeconds": 0.5,
            "perHour": 3600,
            "burst": {"tasks": 100, "withinSeconds": 10},
            "toleratedWaitSeconds": 5,
        },
    },
    # Minutes of work that nobody watches.
    "batch": {
        "softTimeLimitSeconds": 1500,
        "timeLimitSeconds": 1800,
        "objective": {
            "typicalSeconds": 30,
            "perHour": 20,
            "burst": {"tasks": 20, "withinSeconds": 60},
            "toleratedWaitSeconds": 300,
        },
    },
    # Up to hours, on CPU.
    "long": {
        "softTimeLimitSeconds": 3600,
        "timeLimitSeconds": 7200,
        "objective": {
            "typicalSeconds": 600,
            "spread": 0.5,
            "perHour": 4,
            "burst": {"tasks": 4, "withinSeconds": 60},
            "toleratedWaitSeconds": 900,
        },
    },
    # Up to hours, on a node that costs too much to stand idle.
    "gpu": {
        "softTimeLimitSeconds": 3600,
        "timeLimitSeconds": 7200,
        "objective": {
            "typicalSeconds": 900,
            "spread": 0.5,
            "perHour": 2,
            "burst": {"tasks": 4, "withinSeconds": 60},
            "toleratedWaitSeconds": 900,
        },
    },
}


def with_class_defaults(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a queue states, on top of what its class gives; an unknown class gives nothing."""
    defaults = CLASS_DEFAULTS.get(raw.get("class", "batch"), {})
    return merged(defaults, raw)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both mappings, folder by folder; `over` wins. Zero and false are values like others."""
    result = dict(base)
    for key, value in over.items():
        inner = result.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        result[key] = merged(inner, value) if both and inner is not None else value
    return result
