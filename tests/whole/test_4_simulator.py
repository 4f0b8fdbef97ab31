"""The simulator beside real KEDA, a real HPA and real workers, on the same tasks and settings."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.live.arms import OURS
from benchmarks.live.record import RunRecord
from benchmarks.live.run import Place, run
from benchmarks.live.scenario import Scenario, scenarios
from benchmarks.live.stage import staged
from benchmarks.live.timeline import timeline
from benchmarks.model.calibration import compare

pytestmark = [pytest.mark.rehearsal, pytest.mark.alone, pytest.mark.timeout(240)]


@pytest.fixture
def scenario() -> Scenario:
    return scenarios()["s1-bursts"]


@pytest.fixture
def recorded(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunRecord]:
    """Two bursts on a stage of the test's own, whose HPA looks every 3 s."""
    monkeypatch.setenv("CELERY_FLEET_STATE", str(tmp_path / "state"))
    with staged(scenario, report=print) as stage:
        yield run(stage, scenario, OURS, Place(block=0, position=0), tell=lambda _: None)


def test_the_simulator_scales_up_as_fast_as_keda_and_the_hpa_do(
    scenario: Scenario, recorded: RunRecord, tmp_path: Path
) -> None:
    assert all(len(task.ends) == 1 for task in recorded.tasks.values())
    file = tmp_path / "recorded.json"
    file.write_text(json.dumps(timeline(scenario, recorded)))

    seen = compare(file)

    assert seen.hpa_period_s == scenario.stage_hpa_s
    # One period: when its loops began is the HPA's own uncertainty.
    assert seen.recorded_scale_up_s == pytest.approx(
        seen.simulated_scale_up_s, abs=seen.hpa_period_s
    )
    assert seen.recorded_ready_s == pytest.approx(seen.simulated_ready_s, abs=seen.hpa_period_s)
