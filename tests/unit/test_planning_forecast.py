"""What is predicted for Imagineer's workers, under our settings and under other people's."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table

from fleet.planning import command, curve, view
from fleet.planning.forecast import Forecast, forecast
from fleet.planning.peers import PEERS
from fleet.project import Project
from infra.sizing.price import HOURS_PER_MONTH
from rehearsal.errors import RehearsalError
from tests.unit.recorder import IMAGINEER, imagineer

FLEET = imagineer(tier="prod")
SEEDS = 2


@pytest.fixture(scope="module")
def rows() -> list[Forecast]:
    """Each worker under each policy."""
    return [
        forecast(FLEET, worker, peer, SEEDS) for worker in FLEET.workers for peer in PEERS.values()
    ]


def told(table: Table, width: int = 80) -> str:
    written = StringIO()
    Console(file=written, width=width, color_system=None).print(table)
    return written.getvalue()


def test_a_burst_on_labeling_starts_in_time_and_no_task_is_killed() -> None:
    seen = forecast(FLEET, "labeling")

    assert seen.keeps_promise
    assert seen.burst.in_time >= 0.95
    assert seen.burst.p50_s <= seen.burst.p95_s <= seen.burst.p99_s <= 60
    assert seen.killed == 0


def test_the_same_seeds_give_the_same_forecast() -> None:
    assert forecast(FLEET, "labeling", seeds=1) == forecast(FLEET, "labeling", seeds=1)


@pytest.mark.parametrize("peer", ["KEDA defaults", "CPU HPA 80 %"])
def test_thirty_seconds_of_grace_kill_tasks_of_minutes(peer: str) -> None:
    ours, theirs = (forecast(FLEET, "scraping", PEERS[p], SEEDS) for p in ("celery-fleet", peer))

    assert theirs.killed > 0
    assert ours.killed == 0


def test_peers_have_our_maximum_and_our_concurrency() -> None:
    own = forecast(FLEET, "labeling", seeds=1).scenario

    for name, peer in PEERS.items():
        policy = peer(own)
        assert policy.delivery.concurrency == own.plan.concurrency
        assert policy.max_replicas <= own.plan.max_replicas, name


def test_a_month_costs_the_floor_and_what_loads_add_to_it() -> None:
    workers = FLEET.model_dump(by_alias=True)["workers"]
    workers["labeling"] |= {"minReplicaCount": 2}
    warm = forecast(imagineer(tier="prod", workers=workers), "labeling", seeds=1)
    cold = forecast(FLEET, "labeling", seeds=1)

    # 500m of 32 CPUs are a smaller share than 1 GiB of 64.
    hourly = 1.3056 / 64
    assert warm.warm_usd == pytest.approx(2 * hourly * HOURS_PER_MONTH)
    assert cold.warm_usd == 0
    assert cold.busy_usd is not None
    assert warm.busy_usd is not None
    assert warm.busy_usd < cold.busy_usd
    parts = (warm.warm_usd, warm.busy_usd, warm.burst_usd)
    assert warm.total_usd == pytest.approx(sum(part or 0 for part in parts))


def test_without_prices_there_is_no_total() -> None:
    seen = forecast(imagineer(prices={}), "labeling", seeds=1)

    assert (seen.warm_usd, seen.total_usd) == (None, None)
    assert "0.." in told(view.plan_table(FLEET, "prod", [seen]))


def test_a_comparison_has_a_row_for_each_worker_and_policy(rows: list[Forecast]) -> None:
    lines = told(view.comparison_table("prod", rows)).splitlines()

    assert len(rows) == len(FLEET.workers) * len(PEERS)
    for policy in PEERS:
        assert sum(policy in line for line in lines if "beside" not in line) == len(FLEET.workers)
    for worker in FLEET.workers:
        assert sum(line.startswith(f"{worker} ") for line in lines) == 1


def test_the_plan_marks_a_broken_promise_and_says_what_is_too_small() -> None:
    kept, broken = (forecast(FLEET, name, seeds=SEEDS) for name in ("labeling", "training"))

    table = told(view.plan_table(FLEET, "prod", [kept, broken])).splitlines()
    reasons = view.reason_lines([kept, broken])

    assert [line.split()[0] for line in table if "!" in line] == ["training"]
    (complaint,) = [line for line in reasons if "!" in line]
    assert "not the promised 95%: maxReplicaCount 1 (stated) is too small" in complaint


def test_every_number_of_the_plan_has_its_reason() -> None:
    seen = forecast(FLEET, "labeling", seeds=1)

    reasons = "\n".join(view.reason_lines([seen]))

    plan = seen.scenario.plan
    assert f"ceil(({plan.formula}) / 4), grace 1860 s, cooldownPeriod 30 s" in reasons
    assert "minReplicaCount: tolerated wait 60 s covers a start from zero" in reasons
    assert "maxReplicaCount: twice the" in reasons


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_of_a_whole_stack_fit_a_terminal(rows: list[Forecast], width: int) -> None:
    for table in (
        view.plan_table(FLEET, "prod", rows[:: len(PEERS)]),
        view.comparison_table("prod", rows),
    ):
        assert "…" not in told(table, width)


def test_the_picture_has_a_panel_for_each_worker(rows: list[Forecast], tmp_path: Path) -> None:
    file = tmp_path / "new" / "plan"
    never = replace(rows[0], burst=replace(rows[0].burst, p95_s=float("inf")))

    curve.save([never, *rows[1:]], "prod", file)

    with Image.open(file) as picture:
        assert picture.format == "PNG"
        assert picture.width > 1500
        assert picture.height > 700
    assert 30_000 < file.stat().st_size < 500_000


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "imagineer.yaml").write_text(IMAGINEER.read_text())
    return Project(tmp_path, tmp_path / ".state")


def run(project: Project, stack: str, *, compare: bool = False, plot: Path | None = None) -> str:
    written = StringIO()
    console = Console(file=written, width=120)
    command.run(project, stack, console, compare=compare, plot=plot, markdown=None)
    return written.getvalue()


def test_a_stack_without_a_file_is_planned_from_its_template(project: Project) -> None:
    said = run(project, "local")

    assert "Plan of stack local (tier local)" in said
    assert "beside" not in said
    assert not project.state.exists()


def test_a_stacks_own_file_comes_before_its_template(project: Project) -> None:
    own = IMAGINEER.read_text().replace("tier: local", "tier: staging")
    project.stack_file("local").write_text(own)

    assert "tier staging" in run(project, "local")


def test_every_problem_of_the_file_is_told_before_anything_is_simulated(project: Project) -> None:
    broken = IMAGINEER.read_text().replace("tier: local", "tier: lokal")
    project.stack_file("local").write_text(broken.replace("concurrency: 4", "concurrency: 0"))

    with pytest.raises(RehearsalError) as refused:
        run(project, "local")

    assert "tier is 'lokal'" in refused.value.why
    assert "workers.labeling.concurrency is 0" in refused.value.why


def test_an_unknown_stack_is_refused_with_those_there_are(project: Project) -> None:
    with pytest.raises(RehearsalError, match="stack 'nope' has no stack file"):
        run(project, "nope")


def test_comparison_and_picture_come_when_asked_for(project: Project, tmp_path: Path) -> None:
    said = run(project, "imagineer", compare=True, plot=tmp_path / "plan.png")

    assert "Stack imagineer beside others' settings" in said
    assert (tmp_path / "plan.png").is_file()
