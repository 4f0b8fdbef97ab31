"""What an arm was given, read from the objects that were deployed for it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.live import peer_variables
from benchmarks.live.arms import Arm

_PREFETCH = "--prefetch-multiplier="


def described(arm: Arm) -> dict[str, str]:
    """Settings by what people call them; seconds are the stage's."""
    spec = arm.scaled_object
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    pod = arm.deployment["template"]["spec"]
    asks, per_replica = _wanted(spec)
    return {
        "counts": asks,
        "wanted per pod": per_replica,
        "pods": f"{spec['minReplicaCount']} to {spec['maxReplicaCount']}",
        "looks every": f"{spec['pollingInterval']} s",
        "to zero after": f"{spec['cooldownPeriod']} s" if not spec["minReplicaCount"] else "never",
        "adds": _way(behavior["scaleUp"]),
        "takes away": _way(behavior["scaleDown"]),
        "grace": f"{pod['terminationGracePeriodSeconds']} s",
        "prefetch": _prefetch(pod["containers"][0]["command"]),
        "acknowledges": _acknowledges(arm),
    }


def _wanted(spec: Mapping[str, Any]) -> tuple[str, str]:
    modifiers = spec["advanced"].get("scalingModifiers")
    if modifiers:
        formula = modifiers["formula"].replace("_0_0", "").replace("1 * ", "")
        return f"`{formula}`", modifiers["target"]
    (trigger,) = spec["triggers"]
    return f"`{trigger['name']}`", trigger["metadata"]["listLength"]


def _way(rules: Mapping[str, Any]) -> str:
    rates = " or ".join(_rates(rules["policies"]))
    window_s = rules["stabilizationWindowSeconds"]
    return f"{rates}, looking back {window_s} s" if window_s else f"{rates}, at once"


def _rates(rates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for rate in rates:
        unit = "%" if rate["type"] == "Percent" else ""
        yield f"{rate['value']}{unit and ' ' + unit} in {rate['periodSeconds']} s"


def _prefetch(command: Sequence[str]) -> str:
    if "--disable-prefetch" in command:
        return "none"
    (stated,) = [one.removeprefix(_PREFETCH) for one in command if one.startswith(_PREFETCH)]
    return f"{stated} a slot"


def _acknowledges(arm: Arm) -> str:
    late = arm.variables.get(peer_variables.LATE_ACK, "1") == "1"
    when = "at the end" if late else "at the start"
    again_s = arm.variables.get(peer_variables.VISIBILITY_TIMEOUT)
    if again_s is None:
        again_s = str(json.loads(arm.settings)["visibilityTimeoutSeconds"])
    return f"{when}; again after {again_s} s" if late else when
