"""How containers end, when they run again, and until when a pod that is to go may run."""

from datetime import UTC, datetime

import pytest

from rehearsal.node_agent.model.pod import RestartPolicy
from rehearsal.node_agent.model.probe import Probe
from rehearsal.node_agent.rules.back_off import BackOff
from rehearsal.node_agent.rules.deletion import deadline_at, deadline_of_removed
from rehearsal.node_agent.rules.ends import run_ended, start_failed
from rehearsal.node_agent.rules.probe_streak import Streak
from rehearsal.node_agent.rules.records import ContainerRecord, PodRecord, Running, Terminated
from rehearsal.node_agent.rules.restart import runs_again
from tests.unit.node_agent_pods import ended, pod, record

FRESH = ContainerRecord(name="main", image="a/b:1")
RUNNING = Running(pid=7, create_time=1.0, started_at=1000.0)


def delays(run_s: float, restarts: int) -> list[float]:
    """What a container waits before each restart that always runs for `run_s`."""
    back_off, now, found = BackOff(), 0.0, []
    for _ in range(restarts):
        finished_at = now + run_s
        found.append(back_off.remaining_s(finished_at, finished_at))
        now = finished_at + found[-1]
        back_off = back_off.after_restart(now, finished_at)
    return found


def test_a_crashing_container_restarts_at_once_and_then_ever_later() -> None:
    assert delays(run_s=1.0, restarts=8) == [0, 10, 20, 40, 80, 160, 300, 300]


def test_ten_minutes_of_running_clear_the_back_off() -> None:
    assert delays(run_s=601.0, restarts=4) == [0, 0, 0, 0]
    assert delays(run_s=599.0, restarts=4) == [0, 10, 20, 40]


def test_the_back_off_counts_from_the_end_of_the_last_run() -> None:
    back_off = BackOff(delay_s=20.0, restarted_at=100.0)

    assert back_off.remaining_s(now=115.0, finished_at=110.0) == 15.0
    assert back_off.remaining_s(now=200.0, finished_at=110.0) == 0.0


@pytest.mark.parametrize(
    ("policy", "exit_code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 0, False),
        ("Never", 1, False),
    ],
)
def test_the_restart_policy_decides(policy: RestartPolicy, exit_code: int, again: bool) -> None:  # noqa: FBT001 - a table
    assert runs_again(policy, exit_code, init=False) is again


def test_an_init_container_that_succeeded_does_not_run_again() -> None:
    assert not runs_again("Always", 0, init=True)
    assert runs_again("Always", 1, init=True)
    assert not runs_again("Never", 1, init=True)


@pytest.mark.parametrize(
    ("code", "exit_code", "signal", "reason"),
    [
        (0, 0, 0, "Completed"),
        (3, 3, 0, "Error"),
        (-15, 143, 15, "Error"),
        (-9, 137, 9, "Error"),
        (None, 137, 0, "ContainerStatusUnknown"),
    ],
)
def test_an_end_is_told_as_the_kubelet_tells_it(
    code: int | None, exit_code: int, signal: int, reason: str
) -> None:
    running = FRESH.runs(RUNNING, "rehearsal://1", started=True)

    end = run_ended(running, code, now=1005.0)

    assert (end.exit_code, end.signal, end.reason) == (exit_code, signal, reason)
    assert (end.started_at, end.finished_at) == (1000.0, 1005.0)
    assert end.container_id == "rehearsal://1"


def test_a_command_that_cannot_start_ends_with_128() -> None:
    end = start_failed("no such file", "rehearsal://1", now=1.0)

    assert (end.exit_code, end.reason) == (128, "StartError")


def test_each_start_after_an_end_counts_as_a_restart_and_keeps_that_end() -> None:
    first = FRESH.runs(RUNNING, "rehearsal://1", started=True)
    crashed = first.ends(ended(1))
    backing_off = crashed.waits("CrashLoopBackOff")
    second = backing_off.runs(RUNNING, "rehearsal://2", started=False)

    assert first.restart_count == 0
    assert backing_off.last == crashed.state
    assert (second.restart_count, second.last) == (1, crashed.state)
    assert second.ends(ended(2)).last == crashed.state


def test_a_container_that_ended_is_neither_ready_nor_started() -> None:
    up = FRESH.runs(RUNNING, "rehearsal://1", started=True).probed(ready=True, started=True)

    down = up.ends(ended(0))

    assert not down.ready
    assert not down.started


def test_a_record_survives_being_written() -> None:
    kept = record(FRESH.runs(RUNNING, "rehearsal://1", started=True), FRESH.ends(ended(1)))

    assert PodRecord.model_validate_json(kept.model_dump_json()) == kept
    assert isinstance(kept.containers[1].state, Terminated)


def verdicts(probe: Probe, results: str) -> list[bool | None]:
    streak, found = Streak(), []
    for result in results:
        streak = streak.then(passed=result == "+")
        found.append(streak.verdict(probe))
    return found


def test_a_probe_changes_its_verdict_only_at_its_thresholds() -> None:
    probe = Probe(success_threshold=2, failure_threshold=3)

    assert verdicts(probe, "++--+---") == [None, True, None, None, None, None, None, False]


def test_a_deleted_pods_grace_counts_from_its_deletion() -> None:
    # The API sets deletionTimestamp to the end of the grace.
    meta = pod(
        metadata={
            "deletionTimestamp": datetime.fromtimestamp(1030, UTC).isoformat(),
            "deletionGracePeriodSeconds": 30,
        }
    ).metadata

    assert deadline_at(meta, now=1000.2) == pytest.approx(1030.2)
    assert deadline_at(meta, now=1020.0) == pytest.approx(1031.0)
    assert deadline_at(meta, now=2000.0) == pytest.approx(2001.0)


def test_a_pod_removed_by_force_still_gets_a_second() -> None:
    forced = pod(metadata={"deletionGracePeriodSeconds": 0})
    lost = pod(terminationGracePeriodSeconds=40)

    assert deadline_of_removed(forced, now=10.0) == 11.0
    assert deadline_of_removed(lost, now=10.0) == 50.0
