"""What is deployed: one worker of the fleet that scales to zero, and the campaign's tasks in it."""

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.live.arms import OURS, Arm, arm
from benchmarks.live.scenario import WORKER, Scenario
from chaos import deed
from chaos.arms import DELIVERY_LIMIT, VISIBILITY_S
from chaos.ledger import PATH_VARIABLE

_APP = "chaos.fleet_app"
_STAGE_HPA_S = 1


def scenario() -> Scenario:
    """One queue of tasks of some seconds, at the stage's quickest pace."""
    objective = {"typicalSeconds": 30, "perHour": 20, "toleratedWaitSeconds": 120}
    return Scenario.model_validate(
        {
            "name": "chaos",
            "what": "faults of the cluster",
            "stageHpaSeconds": _STAGE_HPA_S,
            "queue": {
                "class": "long",
                "softTimeLimitSeconds": 900,
                "timeLimitSeconds": 1200,
                "objective": {
                    **objective,
                    "spread": 0.4,
                    "burst": {"tasks": 8, "withinSeconds": 30},
                },
            },
            "worker": {"concurrency": 2, "startSeconds": 20, "maxReplicaCount": 3},
            "waves": [{"atSeconds": 0, "tasks": 1, "withinSeconds": 1}],
            "horizonSeconds": 600,
            "patienceSeconds": 900,
        }
    )


def deployed(ledger: Path) -> Arm:
    """Render the fleet's own arm with the campaign's app, and a ledger that its pods find.

    Args:
        ledger: relative to the folder in which the rehearsal's containers run; an absolute path may
            lie below a mount of theirs, and would be rewritten.

    """
    own = arm(scenario(), OURS)
    settings = json.loads(own.settings) | {
        "visibilityTimeoutSeconds": VISIBILITY_S,
        "deliveryLimit": DELIVERY_LIMIT,
    }
    container = own.deployment["template"]["spec"]["containers"][0]
    container["command"] = [
        f"--app={_APP}" if argument.startswith("--app=") else argument
        for argument in container["command"]
    ]
    name = {"fieldRef": {"fieldPath": "metadata.name"}}
    container["env"] += [
        {"name": PATH_VARIABLE, "value": str(ledger)},
        {"name": deed.WORKER_VARIABLE, "valueFrom": name},
    ]
    return replace(own, settings=json.dumps(settings), app=_APP)


__all__ = ["WORKER", "deployed", "scenario"]
