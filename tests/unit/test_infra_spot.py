"""Workers on spot nodes are gone, with all that they held, before the node is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config import ConfigError, load_file
from infra.manifests.pod_disruption_budget import pod_disruption_budget
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.sizing.limits import hand_back_s
from tests.unit.recorder import IMAGINEER
from worker_image import pod_deadline

NOTICE_S = 120
WORKER = "default"


def on_spot(folder: Path, hard_s: int, worker: Any = None, **group: Any) -> FleetConfig:
    """Imagineer's stack with one worker on spot nodes, and a hard limit of its tasks."""
    document = yaml.safe_load(IMAGINEER.read_text())
    keys = document["config"]
    groups = keys["celery-fleet:nodeGroups"]
    groups["cheap"] = {**groups["cpu"], "spot": True, **group}
    keys["celery-fleet:workers"][WORKER] |= {"nodeGroup": "cheap", **(worker or {})}
    limits = {"softTimeLimitSeconds": hard_s - 1, "timeLimitSeconds": hard_s}
    keys["celery-fleet:queues"][WORKER] |= limits
    path = folder / "Pulumi.other.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_file(path)


def refused(folder: Path, hard_s: int, worker: Any = None, **group: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        on_spot(folder, hard_s, worker, **group)
    return str(raised.value)


@pytest.mark.parametrize("hard_s", [10, 59, 60, 103])
def test_whatever_runs_is_handed_back_within_the_notice_and_no_task_in_time_is(
    tmp_path: Path, hard_s: int
) -> None:
    derived = plan(on_spot(tmp_path, hard_s), WORKER)
    grace_s = derived.grace_s

    assert grace_s == min(hard_s + 60, NOTICE_S - 1)
    assert ("terminationGracePeriodSeconds" in derived.reasons) == (grace_s == NOTICE_S - 1)
    assert hard_s < pod_deadline.deadline_s(grace_s) <= NOTICE_S - 15


def test_tasks_that_may_outlast_the_notice_are_refused_there_with_what_would_fit(
    tmp_path: Path,
) -> None:
    told = refused(tmp_path, 104)

    assert f"workers.{WORKER}: grace 164 s is not below the 120 s" in told
    assert "of group 'cheap' wait when they go (the notice of spot)" in told
    assert told.endswith("there is time for a timeLimitSeconds of 103")


def test_a_spot_node_cannot_be_made_to_wait_longer(tmp_path: Path) -> None:
    told = refused(tmp_path, 60, drainSeconds=600)

    assert "nodeGroups.cheap: drainSeconds 600 is above 120: a spot node is gone" in told
    assert plan(on_spot(tmp_path, 20, drainSeconds=60), WORKER).grace_s == 59


def test_a_grace_that_would_cut_a_task_in_time_short_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, 100, {"terminationGracePeriodSeconds": 115})

    assert f"workers.{WORKER}.terminationGracePeriodSeconds is 115: what still runs is" in told
    assert "handed back after 100 s, not above the hard limit 100" in told
    assert plan(on_spot(tmp_path, 100, {"terminationGracePeriodSeconds": 116}), WORKER).grace_s


def test_all_pods_of_a_worker_may_leave_spot_nodes_at_once(tmp_path: Path) -> None:
    config = on_spot(tmp_path, 60)
    most = {name: pod_disruption_budget(config, name)["maxUnavailable"] for name in config.workers}

    assert most == {**dict.fromkeys(config.workers, 1), WORKER: "100%"}


@pytest.mark.parametrize("grace_s", [1, 20, 59, 60, 61, 119, 1860])
def test_the_model_knows_when_a_worker_hands_back(grace_s: int) -> None:
    assert hand_back_s(grace_s) == pod_deadline.deadline_s(grace_s)
