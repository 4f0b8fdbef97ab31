"""The simulator beside our own runs: whether it scales up as fast."""

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.live.arms import OURS
from benchmarks.live.outcome import Outcome
from benchmarks.live.timeline import timeline
from benchmarks.model.calibration import Comparison, compared

_ROWS: dict[str, Callable[[Comparison], float]] = {
    "pod asked for after, real": lambda one: one.recorded_scale_up_s,
    "pod asked for after, simulated": lambda one: one.simulated_scale_up_s,
    "pod ready after, real": lambda one: one.recorded_ready_s,
    "pod ready after, simulated": lambda one: one.simulated_ready_s,
    "wait p95, real": lambda one: one.recorded_p95_wait_s,
    "wait p95, simulated": lambda one: one.simulated_p95_wait_s,
}


def beside_simulator(one: Outcome) -> dict[str, str]:
    """Medians over the blocks, and in how many both scale-up times are within an HPA period."""
    comparisons = _comparisons(one)
    if not comparisons:
        return {}
    told = {name: f"{median(map(of, comparisons)):.1f} s" for name, of in _ROWS.items()}
    agree = sum(each.agrees for each in comparisons)
    return {
        **told,
        "HPA period": f"{comparisons[0].hpa_period_s:g} s",
        "blocks that agree": f"{agree} of {len(comparisons)}",
    }


def _comparisons(one: Outcome) -> Sequence[Comparison]:
    """Of blocks that can be simulated: replicas came, and every task of ours ended."""
    ours = next((policy for policy in one.policies if policy.name == OURS), None)
    runs = ours.runs.values() if ours is not None else ()
    scaled = [run for run in runs if len(run.replicas) > 1]
    whole = [run for run in scaled if all(task.ends for task in run.tasks.values())]
    return [compared(timeline(one.scenario, run)) for run in whole]
