"""A recording beside the simulator; here the recording is itself simulated, a stand-in."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.model.calibration import compare
from fleet.simulation import (
    Behavior,
    Delivery,
    Infrastructure,
    QueueMetric,
    Rate,
    Rules,
    ScalingPolicy,
    Workload,
    simulate,
)

START_S = 4.0


def recording() -> dict[str, Any]:
    """Two bursts of 40 tasks of 5 s under our formula, the fleet at rest between."""
    published = [*(10.0 + n / 10 for n in range(40)), *(400.0 + n / 10 for n in range(40))]
    at_once = (Rate("Pods", 8, 15.0),)
    policy = ScalingPolicy(
        "ours",
        Delivery(2, 1, disable_prefetch=True, late_ack=True, grace_s=900.0),
        QueueMetric(2, pending_weight=0.5, in_flight_weight=1.0, slots_serve_on=True),
        0,
        8,
        polling_interval_s=3.0,
        cooldown_s=30.0,
        behavior=Behavior(Rules(0.0, at_once), Rules(30.0, at_once)),
    )
    load = Workload(500.0, trace=tuple((at_s, 5.0) for at_s in published))
    run = simulate(load, policy, Infrastructure(START_S), seed=99)
    started = [at_s + wait_s for at_s, wait_s in zip(published, run.waits_s.tolist(), strict=True)]
    return {
        "hpa_period_s": 15.0,
        "polling_interval_s": 3.0,
        "cooldown_s": 30.0,
        "start_s": START_S,
        "concurrency": 2,
        "min": 0,
        "max": 8,
        "formula": {"pending_weight": 0.5, "spare": 0},
        "tasks": [
            {"published_s": at_s, "started_s": begin_s, "ended_s": end_s}
            for at_s, begin_s, end_s in zip(published, started, run.ends_s.tolist(), strict=True)
        ],
        "replicas": [list(change) for change in run.timeline],
        "ready": [[at_s + START_S, replicas] for at_s, replicas in run.timeline],
    }


def compared(folder: Path, told: dict[str, Any]) -> Any:
    file = folder / "recorded.json"
    file.write_text(json.dumps(told))
    return compare(file)


def test_a_run_under_the_same_rules_agrees_within_a_period_of_the_hpa(tmp_path: Path) -> None:
    seen = compared(tmp_path, recording())

    assert seen.agrees
    assert 0 < seen.recorded_scale_up_s < 3 + 2 * 15
    assert seen.recorded_ready_s == pytest.approx(seen.recorded_scale_up_s + START_S)
    assert seen.recorded_p95_wait_s == pytest.approx(seen.simulated_p95_wait_s, abs=15)


@pytest.mark.parametrize("part", ["replicas", "ready"])
def test_a_scale_up_that_comes_later_than_a_period_does_not_agree(
    tmp_path: Path, part: str
) -> None:
    told = recording()
    told[part] = [[at_s + 30.0, replicas] for at_s, replicas in told[part]]
    # So that the late pods still come while tasks wait.
    told["tasks"].append({"published_s": 10.0, "started_s": 100.0, "ended_s": 160.0})

    assert not compared(tmp_path, told).agrees


def test_a_recording_without_tasks_or_without_scale_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are no tasks"):
        compared(tmp_path, recording() | {"tasks": []})
    with pytest.raises(ValueError, match="no pod was added"):
        compared(tmp_path, recording() | {"replicas": [[0.0, 2]]})
