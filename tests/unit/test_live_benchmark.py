"""The live benchmark's own rules: scaled times, peers' settings, tasks told by their ids."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.live.arms import OURS, arm
from benchmarks.live.blocks import disturbed
from benchmarks.live.comparison import interval, ratio
from benchmarks.live.described import described
from benchmarks.live.figures import figures
from benchmarks.live.outcome import Outcome, Policy
from benchmarks.live.record import Disturbance, Execution, PodRecord, RunRecord, TaskRecord
from benchmarks.live.report import page
from benchmarks.live.scenario import Scenario, scenarios, trace
from benchmarks.live.simulated import beside_simulator
from benchmarks.live.timeline import serving, timeline
from fleet.simulation.peers import airflow_chart, keda_defaults, mitodl_cms


@pytest.fixture
def scenario() -> Scenario:
    return scenarios()["s1-bursts"]


def behavior(spec: dict[str, Any], way: str) -> Any:
    return spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"][way]


def pod(deployment: dict[str, Any]) -> Any:
    return deployment["template"]["spec"]


def test_every_time_of_a_peer_is_its_published_one_over_the_scale(scenario: Scenario) -> None:
    policy = mitodl_cms(4, 12)
    rendered = arm(scenario, "mitodl")
    spec, factor = rendered.scaled_object, scenario.pace.factor

    assert spec["pollingInterval"] == round(policy.polling_interval_s / factor)
    assert spec["cooldownPeriod"] == round(policy.cooldown_s / factor)
    assert behavior(spec, "scaleUp")["stabilizationWindowSeconds"] == 300 / factor
    down = behavior(spec, "scaleDown")
    assert down["stabilizationWindowSeconds"] == 1800 / factor
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 300 / factor}]
    assert pod(rendered.deployment)["terminationGracePeriodSeconds"] == 600 / factor


def test_probes_keep_their_own_pace(scenario: Scenario) -> None:
    probe = pod(arm(scenario, OURS).deployment)["containers"][0]["startupProbe"]

    assert probe["periodSeconds"] == 1
    assert probe["failureThreshold"] == 60


def test_keda_defaults_count_one_list_and_ship_celerys_delivery(scenario: Scenario) -> None:
    policy, rendered = keda_defaults(4, 12), arm(scenario, "keda")
    container = pod(rendered.deployment)["containers"][0]

    assert [t["metadata"]["listLength"] for t in rendered.scaled_object["triggers"]] == ["5"]
    assert "scalingModifiers" not in rendered.scaled_object["advanced"]
    assert f"--prefetch-multiplier={policy.delivery.prefetch_multiplier}" in container["command"]
    assert "--disable-prefetch" not in container["command"]
    assert {"name": "LIVE_LATE_ACK", "value": "0"} in container["env"]


def test_airflows_rule_counts_running_tasks_and_rounds_up(scenario: Scenario) -> None:
    rendered = arm(scenario, "airflow")
    modifiers = rendered.scaled_object["advanced"]["scalingModifiers"]

    assert airflow_chart(4, 12).delivery.late_ack
    assert modifiers["formula"] == "ceil((1 * in_flight + 1 * pending) / 12)"
    assert modifiers["target"] == "1"


def test_ours_is_what_production_would_be_given_but_for_the_times(scenario: Scenario) -> None:
    rendered = arm(scenario, OURS)

    assert rendered.app == "worker_image.app"
    assert "--app=worker_image.app" in pod(rendered.deployment)["containers"][0]["command"]
    formula = rendered.scaled_object["advanced"]["scalingModifiers"]["formula"]
    assert formula == scenario.plan.formula


def test_all_policies_of_a_block_get_the_same_tasks_and_other_blocks_others(
    scenario: Scenario,
) -> None:
    assert trace(scenario, 1) == trace(scenario, 1)
    assert trace(scenario, 1) != trace(scenario, 2)


def record(tasks: dict[str, TaskRecord], pods: dict[str, PodRecord]) -> RunRecord:
    return RunRecord(
        scenario="s",
        arm=OURS,
        label="ours",
        block=0,
        position=0,
        began_at="2026-01-01T00:00:00+00:00",
        scale=5.0,
        ended_s=60.0,
        horizon_s=60.0,
        min_replicas=0,
        tasks=tasks,
        pods=pods,
        replicas=[(0.0, 0)],
        disturbance=Disturbance(0.1, 0.0, 0.0, 0.0, 0.1),
    )


def task(*executions: Execution, left_in: str | None = None) -> TaskRecord:
    return TaskRecord(0.0, 1.0, 0.0, 0.0, list(executions), left_in)


def test_tasks_are_killed_lost_and_doubled_by_their_ids() -> None:
    gone, alive = "worker-work@gone", "worker-work@alive"
    tasks = {
        "killed and lost": task(Execution(gone, 1.0)),
        "killed, then done": task(Execution(gone, 1.0), Execution(alive, 5.0, 6.0)),
        "done twice": task(Execution(gone, 1.0, 2.0), Execution(alive, 3.0, 4.0)),
        "held by nobody": task(left_in="in flight"),
        "still runs": task(Execution(alive, 2.0)),
    }
    pods = {"1": PodRecord("gone", 0.0, 0.5, 9.0, 10.0), "2": PodRecord("alive", 0.0, 0.5)}

    found = figures(record(tasks, pods), tolerated_s=4.0)

    assert (found.killed, found.lost, found.duplicated, found.redelivered) == (2, 1, 1, 2)
    assert found.unfinished == 2
    assert found.pod_s == 10.0 + 60.0
    # What never started waited until the end at least.
    assert (found.wait_max_s, found.in_time) == (60.0, 0.8)


def test_a_difference_is_claimed_only_by_five_blocks_whose_interval_leaves_out_one() -> None:
    assert interval([0.5, 0.6, 0.55, 0.52, 0.58]).differs
    assert not interval([0.5, 0.6, 0.55, 0.52]).differs
    assert not interval([0.5, 1.3, 0.6, 1.2, 0.9]).differs
    assert ratio({0: 1.0, 1: 2.0}, {0: 2.0, 2: 5.0}) == interval([0.5])
    assert ratio({0: 1.0}, {0: 0.0}) is None


def test_a_run_that_other_work_on_the_machine_slowed_is_void(scenario: Scenario) -> None:
    tasks = {"t": task(Execution("worker-work@a", 2.0, 3.0))}
    # 20 s are stated, 4 s of the stage; of 4 s of a task, 0.8 s.
    prompt, slow = PodRecord("a", 1.0, 5.9), PodRecord("a", 1.0, 6.1)
    late = {"t": TaskRecord(0.0, 1.0, 0.0, lag_s=1.0)}
    overran = {"t": task(Execution("worker-work@a", 2.0, 3.05))}

    assert disturbed(record(tasks, {"1": prompt}), scenario) is None
    told = "pods took 5.1 s to begin, not 4.0 s"
    assert disturbed(record(tasks, {"1": slow}), scenario) == told
    told = "tasks were published up to 1.00 s late"
    assert disturbed(record(late, {"1": prompt}), scenario) == told
    told = "tasks ran 0.05 s longer than they should"
    assert disturbed(record(overran, {}), scenario) == told


def test_the_page_tells_of_each_policy_what_was_deployed(scenario: Scenario) -> None:
    ours, keda, airflow, mitodl = (
        described(arm(scenario, name)) for name in (OURS, "keda", "airflow", "mitodl")
    )

    assert (keda["counts"], keda["wanted per pod"], keda["pods"]) == ("`pending`", "5", "0 to 4")
    assert (keda["looks every"], keda["to zero after"], keda["grace"]) == ("6 s", "60 s", "6 s")
    assert airflow["counts"] == "`ceil((in_flight + pending) / 12)`"
    assert airflow["takes away"] == "100 % in 3 s, looking back 60 s"
    assert (mitodl["to zero after"], mitodl["pods"]) == ("never", "1 to 4")
    assert [one["prefetch"] for one in (ours, keda, airflow)] == ["none", "4 a slot", "1 a slot"]
    assert keda["acknowledges"] == "at the start"
    assert ours["acknowledges"] == "at the end; again after 36 s"


def outcome_of(scenario: Scenario, runs: dict[str, RunRecord]) -> Outcome:
    policies = [
        Policy(name, name, {0: one}, {0: figures(one, scenario.tolerated_s)})
        for name, one in runs.items()
    ]
    return Outcome(scenario, policies, {1: "a; b", 2: "b"})


def test_the_page_has_a_column_for_each_policy_and_says_why_blocks_are_void(
    scenario: Scenario,
) -> None:
    pods = {"1": PodRecord("a", 1.0, 2.0, 30.0, 31.0)}
    soon = record({"t": task(Execution("worker-work@a", 2.0, 3.0))}, pods)
    late = record({"t": task(Execution("worker-work@a", 4.0, 5.0))}, pods)

    told = page([outcome_of(scenario, {OURS: soon, "keda": late})])

    assert "1 block, 2 more void (a; b)." in told
    assert "| wait max, s | 2.0 | 4.0 |" in told
    assert "| wait max | 0.50 |" in told
    assert "| lost | 0 | 0 |" in told
    assert "| grace | 24 s | 6 s |" in told


def test_the_page_holds_the_simulator_against_our_runs_that_scaled(scenario: Scenario) -> None:
    pods = {"1": PodRecord("a", 2.0, 6.0, 30.0, 31.0)}
    asleep = record({"t": task(Execution("worker-work@a", 6.0, 7.0))}, pods)
    asleep.tasks["t"].published_s = 1.0
    soon = replace(asleep, replicas=[(0.0, 0), (2.0, 1)])
    late = replace(asleep, replicas=[(0.0, 0), (6.5, 1)])

    assert beside_simulator(outcome_of(scenario, {OURS: asleep})) == {}
    told = beside_simulator(outcome_of(scenario, {OURS: soon}))
    assert (told["pod asked for after, real"], told["pod ready after, real"]) == ("1.0 s", "5.0 s")
    assert (told["HPA period"], told["blocks that agree"]) == ("3 s", "1 of 1")
    told = beside_simulator(outcome_of(scenario, {OURS: late}))
    assert told["blocks that agree"] == "0 of 1"


def test_a_pod_serves_from_its_workers_start_to_the_beginning_of_its_end(
    scenario: Scenario,
) -> None:
    pods = {"1": PodRecord("a", 1.0, 2.0, 30.0, 33.0), "2": PodRecord("b", 3.0, 5.0)}
    run = record({"t": task(Execution("worker-work@a", 2.0, 3.0))}, pods)

    assert serving(run) == [(0.0, 0), (2.0, 1), (5.0, 2), (30.0, 1)]
    told = timeline(scenario, run)
    assert told["start_s"] == 1.5
    assert told["tasks"] == [{"published_s": 0.0, "started_s": 2.0, "ended_s": 3.0}]
