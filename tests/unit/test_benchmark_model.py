"""The benchmark of the sizing rules: what it compares, how it judges, what it remembers."""

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from benchmarks.model import __main__ as entry
from benchmarks.model import page, picture, report
from benchmarks.model.case import FROZEN, Case, frozen
from benchmarks.model.contenders import (
    ABLATIONS,
    AMPLE,
    CONTENDERS,
    FAIR_MARK,
    HINDSIGHT,
    OURS,
    PEERS,
    fixed,
)
from benchmarks.model.hindsight import fewest
from benchmarks.model.runs import Job, Run, Store, run, summary
from benchmarks.model.unseen import unseen
from benchmarks.model.verdict import (
    Standing,
    Verdict,
    cost_ratio,
    passed,
    relative_cost,
    standing,
    tally,
)
from fleet.simulation import Burst, Outcome, Workload

TUNED = {one.name: one for one in frozen()}
LABELING = TUNED["imagineer/labeling"]
QUICK = ("imagineer/labeling", "imagineer/scraping", "mistudio/datasets")


def fingerprint(cases: list[Case]) -> str:
    """Of every number that is drawn for a queue."""
    told = [
        (
            one.name,
            one.queue.objective.model_dump(),
            one.queue.time_limit_s,
            (one.worker.concurrency, one.worker.start_s),
            (one.group.headroom, one.group.gpu, one.group.launch_s, one.group.image_pull_s),
            (one.hours, one.bursts),
        )
        for one in cases
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def stands(
    usd: float = 1.0, *, keeps: bool = True, lost: int = 0, killed: int = 0, share: float = 1.0
) -> Standing:
    return Standing(share, share, keeps, 3.0, (usd, usd), killed, lost, 0)


def verdict(ours: Standing, others: dict[str, Standing], *, feasible: bool = True) -> Verdict:
    rest = dict.fromkeys(CONTENDERS, stands(9.0, keeps=False, share=0.5))
    ample, least = stands(50.0, keeps=feasible), stands(2.0, keeps=feasible)
    return Verdict(LABELING, {**rest, HINDSIGHT: least, **others, OURS: ours, AMPLE: ample})


def test_the_queues_of_the_benchmark_are_the_published_ones() -> None:
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest()[:16] == "e3f0983ffd0bcc9b"
    assert fingerprint(unseen()) == "bb2ce8cb4f0792c6"
    assert (len(TUNED), len(unseen())) == (15, 30)


@pytest.mark.parametrize("name", QUICK)
def test_our_rules_keep_the_promise_and_kill_no_task(name: str) -> None:
    one = TUNED[name]
    runs = [run(Job(one, OURS, seed)) for seed in range(2)]

    seen = standing(one, runs)

    assert seen.keeps
    assert (seen.killed, seen.lost, seen.duplicates) == (0, 0, 0)


def test_every_policy_meets_the_same_tasks() -> None:
    runs = [run(Job(LABELING, name, 1)) for name in (*CONTENDERS, *ABLATIONS)]

    assert len({(one.tasks, one.burst_tasks) for one in runs}) == 1


@pytest.mark.parametrize("name", PEERS)
def test_a_marked_peer_differs_in_nothing_but_delivery(name: str) -> None:
    shipped, fair = CONTENDERS[name](LABELING), CONTENDERS[name + FAIR_MARK](LABELING)

    assert fair == replace(shipped, delivery=LABELING.delivery)
    assert shipped.max_replicas <= LABELING.plan.max_replicas


def test_a_task_counts_if_its_wait_could_end_within_the_span() -> None:
    load = Workload(100.0, bursts=(Burst(0.0, 2, 1.0),), trace=((0.5, 1), (60.0, 1), (95.0, 1)))
    outcome = Outcome(
        waits_s=np.array([1.0, 30.0, np.inf]),
        ends_s=np.array([2.0, 91.0, np.inf]),
        executions=2,
        killed=0,
        redelivered=0,
        repeated_ends=0,
        lost=0,
        pod_s=10.0,
        node_s=0.0,
        pod_starts=1,
        timeline=((0.0, 0),),
        end_s=100.0,
    )

    seen = summary(outcome, load, 0, wait_s=20.0)

    assert (seen.tasks, seen.in_time, seen.burst_tasks, seen.burst_in_time) == (2, 1, 1, 1)
    assert seen.p95_s == 30.0


def test_a_promise_holds_in_bursts_and_otherwise_or_not_at_all() -> None:
    one = Run(1000, 980, 10, 0, 1.0, 0, 0, 0, 3600.0, 0.0, 1)

    seen = standing(LABELING, [one, one])

    assert seen.in_bursts == 0.0
    assert seen.otherwise == pytest.approx(980 / 990)
    assert not seen.keeps
    assert seen.usd == pytest.approx((0.041, 0.041))


def test_the_cheapest_is_another_policy_that_keeps_the_promise_and_loses_nothing() -> None:
    seen = verdict(
        stands(1.0),
        {
            "static": stands(2.0),
            "Airflow chart": stands(0.8),
            "KEDA defaults": stands(0.1, lost=3),
            "mitodl CMS": stands(0.2, keeps=False),
            "ours, pending only": stands(0.1),
            HINDSIGHT: stands(0.1),
        },
    )

    assert seen.cheapest == "Airflow chart"
    assert seen.ratio == pytest.approx(1.25)
    assert seen.ratio_range == pytest.approx((1.25, 1.25))
    assert not seen.good


def test_hindsight_knows_the_fewest_replicas_that_keep_the_promise(tmp_path: Path) -> None:
    one, store = TUNED["imagineer/labeling"], Store(tmp_path / "runs.jsonl")

    least = fewest(one, 1, store, until_s=math.inf)

    assert least is not None
    assert least.keeps
    replicas = round(least.mean_usd / one.usd(3600 * one.hours, 0.0))
    assert not standing(one, [run(Job(one, fixed(replicas - 1), 0))]).keeps
    assert fewest(one, 2, store, until_s=-math.inf) is None


def test_our_cost_is_set_beside_that_of_hindsight_where_any_fixed_number_is_enough() -> None:
    kept, hopeless = verdict(stands(1.0), {}), verdict(stands(1.0), {}, feasible=False)

    assert (kept.over_hindsight, hopeless.over_hindsight) == (0.5, None)


def test_another_draw_gives_other_queues_and_the_same_draw_the_same() -> None:
    assert fingerprint(unseen(5)) == fingerprint(unseen(5)) != fingerprint(unseen(6))


def test_the_target_is_missed_by_a_kill_a_dear_queue_or_a_broken_promise() -> None:
    fine = verdict(stands(1.0), {"static": stands(1.0)})
    alone = verdict(stands(1.0), {})
    hopeless = verdict(stands(1.0, keeps=False), {}, feasible=False)

    assert passed([fine] * 19 + [alone, hopeless])
    for bad in (stands(1.0, killed=1), stands(1.2), stands(1.0, keeps=False)):
        assert not passed([fine, verdict(bad, {"static": stands(1.0)})])


def test_costs_are_compared_queue_by_queue_so_that_no_large_one_decides() -> None:
    small = verdict(stands(1.0), {"static": stands(1.0)})
    large = verdict(stands(300.0), {"static": stands(100.0)})
    saved = verdict(stands(1.0), {"static": stands(2.0)})

    assert cost_ratio([small, large, saved]) == 1.0
    assert relative_cost([large, saved], "static") == pytest.approx((2 / 3) ** 0.5)


def test_queues_that_nobody_could_serve_are_not_counted() -> None:
    kept, hopeless = verdict(stands(), {}), verdict(stands(), {}, feasible=False)

    assert (tally([kept, hopeless], OURS).keeps, tally([kept, hopeless], OURS).feasible) == (1, 1)


def test_a_finished_run_is_kept_under_what_went_into_it(tmp_path: Path) -> None:
    job, other = Job(LABELING, OURS, 0), Job(LABELING, OURS, 1)
    done = run(job)

    Store(tmp_path / "runs.jsonl").add(job.key, done)
    again = Store(tmp_path / "runs.jsonl")

    assert again.get(Job(TUNED["imagineer/labeling"], OURS, 0).key) == done
    assert again.get(other.key) is None
    slower = replace(LABELING, worker=LABELING.worker.model_copy(update={"start_s": 20.0}))
    assert again.get(Job(slower, OURS, 0).key) is None


def test_a_benchmark_out_of_time_says_what_is_left_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        entry.main(seeds=1, jobs=1, queues="tuned", draw=5, minutes=-1.0, folder=tmp_path)

    assert "runs are left: run again to go on" in capsys.readouterr().out
    assert not (tmp_path / "results").exists()


def test_the_draw_that_is_asked_for_is_the_one_that_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def record(seed: int) -> list[Case]:
        drawn.append(seed)
        return [LABELING]

    monkeypatch.setattr(entry, "unseen", record)

    with pytest.raises(typer.Exit):
        entry.main(seeds=1, jobs=1, queues="unseen", draw=5, minutes=-1.0, folder=tmp_path)

    assert drawn == [5]


def test_the_page_says_where_we_lose(tmp_path: Path) -> None:
    seen = [
        verdict(stands(1.0), {"static": stands(1.0)}),
        verdict(stands(3.0), {"static": stands(1.0)}),
        verdict(stands(1.0, keeps=False, share=0.9), {}),
    ]

    told = page.markdown(seen, seeds=2, draw=5)

    assert "2 of 3 feasible promises, 1 of them" in told
    assert "MISSED" in told
    assert "static keeps it too, we cost 3.00 (3.00 to 3.00) times as much" in told
    assert "90.0% of the bursts' and 90.0% of the other tasks start within 60 s" in told
    figures = json.loads(report.as_json(seen, seeds=2, draw=5))
    assert [queue["ratio"] for queue in figures["queues"]] == [1.0, 3.0, None]
    assert figures["unseenSeed"] == 5
    assert "`python -m benchmarks.model --seeds 2 --draw 5`" in told
    assert "We cost less than it on 2 of 3 queues, and more than\n  1.1 times as much on 1" in told
    picture.save(seen, tmp_path / "model.png")
    with Image.open(tmp_path / "model.png") as drawn:
        assert drawn.format == "PNG"
