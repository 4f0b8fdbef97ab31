"""How a rehearsal accounts for tasks while something befalls their broker, and for idle nodes."""

import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from fleet import rehearsed_nodes
from fleet.broker_events import wrong
from fleet.broker_trial import Account, Trial
from fleet.project import Project
from fleet.session import Session
from fleet.task_ledger import Ledger
from infra.config import load_file
from rehearsal.errors import RehearsalError
from tests.unit.recorder import ROOT

PROD = load_file(ROOT / "Pulumi.prod.yaml")
WELL = Account(held=30, unfinished=400, lost=0, failed=0, repeated=0, unseen=0)


def log_of(pods: Path, pod: str) -> Path:
    log = pods / pod / "logs" / "worker" / "0.log"
    log.parent.mkdir(parents=True)
    return log


def ran(task: str) -> str:
    return f'{{"message": "Task worker_image.tasks.canary.work[{task}] succeeded in 3.0s: {{}}"}}\n'


def test_a_run_counts_once_its_pod_is_gone_and_a_second_one_counts_too(tmp_path: Path) -> None:
    once, twice, other, never = (str(uuid4()) for _ in range(4))
    gone, stays = log_of(tmp_path, "fleet_gone_1"), log_of(tmp_path, "fleet_stays_2")
    log_of(tmp_path, "elsewhere_pod_3").write_text(ran(other))
    gone.write_text("")

    with Ledger(tmp_path, "fleet").kept() as ledger:
        with gone.open("a") as log:
            time.sleep(0.5)
            log.write(ran(once) + ran(twice))
        shutil.rmtree(tmp_path / "fleet_gone_1")
        stays.write_text(ran(twice) + f"Task work[{never}] received\n")

    assert [ledger.runs(task) for task in (once, twice, other, never)] == [1, 2, 0, 0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lost": 1}, "lost or failed"),
        ({"failed": 1}, "lost or failed"),
        ({"unseen": 1}, "1 tasks are in no log"),
        ({"repeated": 1}, "ran twice"),
    ],
)
def test_what_must_not_be_is_told(change: dict[str, int], told: str) -> None:
    assert wrong(WELL) is None
    assert told in (wrong(replace(WELL, **change)) or "")


def test_the_tasks_go_where_bursts_are_largest(tmp_path: Path) -> None:
    assert Trial(Project(tmp_path, tmp_path), "prod", PROD).queue == "labeling"


class Nodes:
    """A cluster whose nodes are other ones at each look."""

    def __init__(self, *looks: list[str]) -> None:
        self.looks = list(looks)

    def items(self, path: str) -> list[dict[str, Any]]:
        assert path == "/api/v1/nodes"
        now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [{"metadata": {"name": name}} for name in now]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that passes by sleeping alone."""
    now = SimpleNamespace(s=0.0)

    def sleep(seconds: float) -> None:
        now.s += seconds

    monkeypatch.setattr("fleet.rehearsed_nodes.time.monotonic", lambda: now.s)
    monkeypatch.setattr("fleet.rehearsed_nodes.time.sleep", sleep)
    return now


def session(tmp_path: Path, nodes: Nodes) -> Session:
    found = Session(Project(tmp_path, tmp_path), "prod")
    found.__dict__["cluster"] = nodes
    return found


def test_the_group_of_the_gpu_worker_rests() -> None:
    assert rehearsed_nodes.resting(PROD) == {"imagineer-prod-gpu"}


def test_a_node_that_was_under_way_is_waited_for_as_well(
    tmp_path: Path, clock: SimpleNamespace
) -> None:
    cpu, gpu = "imagineer-prod-cpu-0", "imagineer-prod-gpu-0"
    nodes = Nodes(*[[cpu]] * 10, *[[cpu, gpu]] * 20, [cpu])

    rehearsed_nodes.until_empty(session(tmp_path, nodes), {"imagineer-prod-gpu"}, lambda _: None)

    assert nodes.looks == [[cpu]]
    assert clock.s >= 14.5 + 12


def test_a_node_that_stays_without_a_task_is_named(tmp_path: Path, clock: SimpleNamespace) -> None:
    stuck = session(tmp_path, Nodes(["imagineer-prod-gpu-0"]))

    with pytest.raises(RehearsalError, match="imagineer-prod-gpu-0 stays without a task"):
        rehearsed_nodes.until_empty(stuck, {"imagineer-prod-gpu"}, lambda _: None)
    assert clock.s > 100
