"""A spot node's two minutes, at a scaled-down pace: what runs is back in its queue before them."""

import json
import signal
import time
from collections import Counter

import pytest

from infra.manifests.deployment import worker_deployment
from infra.models.fleet import FleetConfig
from tests.rehearsal.fair_stage import ask, send
from tests.rehearsal.lease_fleet import HELD, QUEUE, Stage
from tests.rehearsal.worker_fleet import Fleet, eventually
from tests.unit.recorder import imagineer

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

PACE = 20
NOTICE_S = 120 / PACE
TASK_S = 300 / PACE
"""Of a task that is stuck where no limit reaches it: spot nodes get none with such a limit."""


def on_spot() -> FleetConfig:
    """Imagineer's stack, with queue `default` on spot nodes."""
    raw = imagineer().model_dump(by_alias=True)
    raw["nodeGroups"]["cheap"] = {**raw["nodeGroups"]["cpu"], "spot": True}
    raw["workers"][QUEUE]["nodeGroup"] = "cheap"
    limits = {"softTimeLimitSeconds": 90, "timeLimitSeconds": 100}
    raw["queues"][QUEUE] |= limits
    return imagineer(**{key: raw[key] for key in ("nodeGroups", "workers", "queues")})


def grace_s(config: FleetConfig) -> int:
    """What a pod of the worker is told of its end."""
    pod = worker_deployment(config, QUEUE)["template"]["spec"]
    env = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert env["FLEET_GRACE_SECONDS"] == str(pod["terminationGracePeriodSeconds"])
    return int(pod["terminationGracePeriodSeconds"])


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_what_runs_on_a_spot_node_is_back_before_the_node_is_taken_and_runs_once_elsewhere(
    fleet: Fleet, pool: str
) -> None:
    stage = Stage(fleet)
    # Too long for a lease to end, and so to help.
    fleet.settings["visibilityTimeoutSeconds"] = 180
    grace = grace_s(on_spot()) // PACE
    going = stage.worker(
        "going", "--concurrency=1", f"--pool={pool}", FLEET_GRACE_SECONDS=str(grace)
    )
    (task,) = send(fleet, 1, seconds=TASK_S, queue=QUEUE)
    eventually(lambda: stage.starts()[task] == 1)

    noticed_at = time.monotonic()
    going.send_signal(signal.SIGTERM)
    eventually(lambda: not ask(fleet, lambda c: c.exists(HELD)), NOTICE_S)
    (waiting,) = ask(fleet, lambda c: c.lrange(QUEUE, 0, -1))
    assert time.monotonic() - noticed_at < NOTICE_S
    assert json.loads(waiting)["headers"]["id"] == task
    time.sleep(max(0.0, noticed_at + NOTICE_S - time.monotonic()))
    going.kill()

    stage.worker("other")
    eventually(lambda: stage.finished([task]), TASK_S + 10)
    eventually(stage.at_rest)
    assert stage.starts() == Counter({task: 2})
