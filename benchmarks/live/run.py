"""One run: an arm at rest, a trace, and what became of it."""

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.live.arms import Arm, arm
from benchmarks.live.deployed import Deployed
from benchmarks.live.machine import Watch
from benchmarks.live.publishing import Publishing
from benchmarks.live.record import RunRecord, TaskRecord
from benchmarks.live.scenario import WORKER, Scenario, trace
from benchmarks.live.stage import Stage
from benchmarks.live.watching import Watching

_LOOK_S = 0.25
_BEGINS_S = 10.0
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a run stands in the benchmark."""

    block: int
    position: int


def run(stage: Stage, scenario: Scenario, name: str, place: Place, tell: Tell) -> RunRecord:
    """Put one policy on the stage, send it the block's trace, and return what happened.

    Raises:
        TimeoutError: it did not come to rest before, or did not go afterwards.
        RuntimeError: the generator ended.

    """
    own, arrivals = arm(scenario, name), trace(scenario, place.block)
    tasks = {str(uuid.uuid4()): TaskRecord(one.at_s, one.seconds) for one in arrivals}
    watching = Watching(tasks)
    deployed = Deployed(stage.kubeconfig, stage.cluster, own)
    folder = stage.project.state / "publishing"
    tell("coming to rest")
    deployed.clear()
    stage.forget_messages()
    deployed.make_home()
    publishing = Publishing(stage, own, folder, watching.on_fact)
    try:
        publishing.start(_planned(tasks))
        deployed.start()
        began_at, machine = datetime.now(UTC), Watch([*stage.processes(), os.getpid()])
        publishing.go()
        ended_s = _watch(watching, deployed, publishing, scenario, tell)
        disturbance = machine.so_far()
        _find_the_rest(stage, own, tasks)
    finally:
        publishing.stop()
        deployed.clear()
        deployed.close()
    return RunRecord(
        scenario=scenario.name,
        arm=own.name,
        label=own.label,
        block=place.block,
        position=place.position,
        began_at=began_at.isoformat(timespec="seconds"),
        scale=scenario.pace.factor,
        ended_s=ended_s,
        horizon_s=scenario.pace.seconds(scenario.horizon_s),
        min_replicas=own.min_replicas,
        tasks=tasks,
        pods=watching.pods,
        replicas=watching.replicas,
        disturbance=disturbance,
    )


def _planned(tasks: Mapping[str, TaskRecord]) -> Sequence[Mapping[str, object]]:
    return [
        {"task": name, "queue": WORKER, "at_s": task.planned_s, "seconds": task.seconds}
        for name, task in tasks.items()
    ]


def _watch(
    watching: Watching, deployed: Deployed, publishing: Publishing, scenario: Scenario, tell: Tell
) -> float:
    """Look until the horizon is reached and every task has ended, or patience is over."""
    horizon_s = scenario.pace.seconds(scenario.horizon_s)
    patience_s = scenario.pace.seconds(scenario.patience_s)
    watching.began.wait(_BEGINS_S)
    while True:
        watching.look(deployed)
        now_s = watching.now_s
        if now_s >= patience_s or (now_s >= horizon_s and watching.is_done()):
            return now_s
        if not publishing.lives:
            raise RuntimeError("the generator ended; see generator.log in the state folder")
        tell(watching.told())
        time.sleep(_LOOK_S)


def _find_the_rest(stage: Stage, own: Arm, tasks: Mapping[str, TaskRecord]) -> None:
    """Note where the messages of tasks are that have not ended."""
    pending = [json.loads(text) for text in stage.messages.lrange(own.pending_key, 0, -1)]
    held = [json.loads(text)[0] for text in stage.messages.hvals(own.in_flight_key)]
    for place, messages in (("pending", pending), ("in flight", held)):
        for message in messages:
            task = tasks.get(message["headers"]["id"])
            if task is not None:
                task.left_in = place
