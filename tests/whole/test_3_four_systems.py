"""Each system that ships as a stack file comes up, does its work, rests and goes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fleet import fleet_state, readiness
from tests.whole.running_fleet import RunningFleet, until

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(300)]

PROFILES = {
    "imagineer": {"preview": ("preview", "preview", "labeling")},
    "mistudio": {
        "minimal": ("all-queues", "all-queues", "training"),
        "datasets": ("processing", "worker-processing", "processing"),
    },
}
"""Worker, its nodes' name and a queue that it serves, by stack and profile."""


@pytest.mark.parametrize("stack", ["imagineer", "mistudio", "baseten", "fair_queueing"])
def test_every_queue_of_a_system_does_its_work_and_every_worker_rests_again(
    running: RunningFleet, stack: str
) -> None:
    with up(running.beside(stack)) as system:
        assert set(system.api.queues()) == set(system.config.queues)
        until(lambda: all_counted(system) or None, 10, "every queue has done its work")
        rest(system)

        for profile, (worker, node, queue) in PROFILES.get(stack, {}).items():
            switch(system, profile)
            assert system.result(system.canary(queue, 0.1), 60).status == "completed"
            (pod,) = {p["metadata"]["name"] for p in system.pods(worker)}
            assert f'"worker": "{node}@{pod}"' in system.logs(worker)
            rest(system)


def all_counted(system: RunningFleet) -> bool:
    """Whether an end of each queue is counted; results are there a moment before."""
    return all(queue.done for queue in system.api.queues().values())


@contextmanager
def up(system: RunningFleet) -> Iterator[RunningFleet]:
    """A stack after `fleet up`, whose demonstration runs a task on each queue; then gone."""
    made = system.fleet("up", "--stack", system.stack)
    try:
        assert made.returncode == 0, made.output
        yield system
    finally:
        system.close()
        gone = system.pulumi("destroy", "--yes", "--skip-preview", "--stack", system.stack)
    assert gone.returncode == 0, gone.output
    assert system.cluster.get(f"/api/v1/namespaces/{system.namespace}") is None
    removed = system.pulumi("stack", "rm", "--yes", system.stack)
    assert removed.returncode == 0, removed.output
    system.close()


def switch(system: RunningFleet, profile: str) -> None:
    """Put another set of workers in place, as an operator does."""
    chosen = system.pulumi("config", "set", "profile", profile, "--stack", system.stack)
    assert chosen.returncode == 0, chosen.output
    changed = system.pulumi("up", "--yes", "--skip-preview", "--stack", system.stack)
    assert changed.returncode == 0, changed.output
    system.close()


def rest(system: RunningFleet) -> None:
    """Wait until KEDA has every worker at the minimum of its ScaledObject."""

    def resting() -> bool | None:
        state = fleet_state.read(system.cluster, system.namespace)
        served = {worker.name for worker in state.workers} == set(system.config.workers)
        return (served and not list(readiness.above_minimum(state))) or None

    until(resting, 60, f"every worker of {system.stack} is at its minimum")
