"""What `fleet smoke` aims at, and how it judges what came of each probe."""

import pytest

from fleet.api_client import Result
from fleet.fleet_state import WorkerState
from fleet.smoke.aims import Aim, aims, chosen
from fleet.smoke.verdict import judge, passed
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit.recorder import imagineer
from tests.unit.smoke_stage import AIM, FILE, QUEUES, counts, done, state, worker


def aimed(
    *workers: WorkerState, config: FleetConfig | None = None, pending: int = 0
) -> dict[str, Aim]:
    statistics = dict.fromkeys(QUEUES, counts(pending))
    found = aims(config or imagineer(), QUEUES, state(*workers), statistics)
    return {aim.queue: aim for aim in found}


def test_a_worker_at_zero_gets_the_start_that_its_sizing_knows_and_a_running_one_none() -> None:
    found = aimed(worker("training", 0), worker("labeling", 0, low=1))
    config = imagineer()

    cold_s = plan(config, "training").reaction.from_zero_s
    assert cold_s > config.node_groups["gpu"].launch_s
    assert found["training"].tolerated_s == 900 + cold_s
    assert found["scraping"].tolerated_s == 300
    # It is to have a pod: that it has none is no excuse.
    assert found["labeling"].tolerated_s == 60


def test_a_paused_worker_without_a_pod_gets_no_probe_and_one_with_pods_does() -> None:
    found = aimed(worker("training", 0, paused=True), worker("labeling", 2, paused=True))

    assert found["training"].blocked is not None
    assert "paused" in found["training"].blocked
    assert found["labeling"].blocked is None
    assert "paused" in found["labeling"].notes[0]


def test_a_queue_that_no_deployed_worker_serves_is_told_so() -> None:
    found = aimed(worker("labeling", queues=("other",)))

    assert "pulumi up" in (found["labeling"].blocked or "")


def test_what_waited_before_the_probe_is_told() -> None:
    assert aimed(pending=7)["default"].notes == ("messages that waited before the probe: 7",)


def test_a_fair_queue_is_probed_on_a_tenants_list() -> None:
    raw = imagineer().model_dump(by_alias=True)
    raw["queues"]["scraping"]["fair"] = True
    found = aimed(config=FleetConfig.model_validate(raw))

    assert [aim.tenant for aim in found.values()] == [None, None, "smoke", None]


def test_queues_are_chosen_by_name_and_by_what_they_need() -> None:
    config = imagineer()

    def named(*wanted: str, skip_gpu: bool = False) -> list[str]:
        return chosen(config, wanted, skip_gpu=skip_gpu, stack_file=FILE)

    assert named() == list(config.queues)
    assert named(skip_gpu=True) == ["default", "scraping", "labeling"]
    assert named("labeling", "default") == ["default", "labeling"]
    with pytest.raises(RehearsalError, match="no queue 'labelling'"):
        named("labelling")
    with pytest.raises(RehearsalError, match="no queue is left"):
        named("training", skip_gpu=True)


@pytest.mark.parametrize(
    ("result", "waited_s", "verdict"),
    [
        (done(59.9), 61, "ok"),
        (done(60.1), 61, "late"),
        # Delivered twice: the worker does not know the wait.
        (done(None), 61, "late"),
        (Result("failed", error="WorkerLostError"), 1, "failed"),
        (Result("pending"), 62.1, "not begun"),
    ],
)
def test_a_probe_is_judged_by_its_wait(result: Result, waited_s: float, verdict: str) -> None:
    found = judge(AIM, result, waited_s, 62)

    assert found is not None
    assert found.verdict == verdict
    assert passed([found]) is (verdict == "ok")
    assert bool(found.why) is (verdict != "ok")


def test_a_probe_that_may_still_come_is_waited_for() -> None:
    assert judge(AIM, Result("pending"), 61.9, 62) is None
