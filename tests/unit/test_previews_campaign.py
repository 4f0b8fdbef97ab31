"""How the campaign on previews draws and counts, and what its benchmark calls missed."""

import io
import json
import random
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from benchmarks.previews import __main__ as benchmark
from benchmarks.previews.__main__ import Life, measured, missed
from benchmarks.previews.probe import objects
from benchmarks.previews.stage import Ran
from chaos.previews.__main__ import figures, problems
from chaos.previews.cycle import Cycle
from chaos.previews.leaks import Left
from chaos.previews.strikes import KINDS, Strike, Struck, drawn
from fleet.previews.naming import preview_name
from fleet.progress import Progress

HIT = Struck("up", Strike("kill all", 0.5, 2.0), "up", -9)


def test_the_same_seed_draws_the_same_strikes_of_every_kind_within_the_command() -> None:
    first, second = ([drawn(dice) for _ in range(200)] for dice in map(random.Random, (7, 7)))

    assert first == second
    assert {each.kind for each in first} == set(KINDS)
    assert all(0 < each.at <= 1 for each in first)


def test_what_is_left_and_what_did_not_finish_is_named_and_counted() -> None:
    well = Cycle(1, "a", [HIT], finished=True)
    badly = Cycle(2, "b", [HIT, HIT], problems=["down ended with 1"], left=[Left("keys", "p:k")])

    told = figures([asdict(well), asdict(badly)], seed=1)

    assert (told["cycles"], told["tasks done"], told["strikes"]["kill all"]) == (2, 1, 3)
    assert (told["left"]["keys"], told["commands that did not finish"]) == (1, 1)
    assert problems([well, badly]) == ["cycle 2: down ended with 1", "cycle 2: left: keys: p:k"]


@pytest.mark.parametrize(
    ("life", "beside", "named"),
    [
        ((20.0, 21.0, 19.0, 15), [20.0, 26.0], []),
        ((20.0, 30.5, 19.0, 15), [20.0, 26.0], ["up to first task done"]),
        ((20.0, 21.0, 31.0, 16), [20.0, 28.0], ["down", "objects in the cluster", "last by first"]),
    ],
)
def test_each_target_that_is_missed_is_named(
    life: tuple[float, float, float, int], beside: list[float], named: list[str]
) -> None:
    found = list(missed(measured([Life("a", *life, steps={})], beside)))

    assert len(found) == len(named)
    assert all(text.startswith(name) for text, name in zip(found, named, strict=True))


def test_a_commands_lines_tell_when_it_was_at_each_step() -> None:
    said = "   0.1 s  preview        a of branch b\n  12.3 s  pulumi up      done\nAPI   x\n"

    assert Ran(0, said, 13.0).steps == {"preview": 0.1, "pulumi up": 12.3}


class Commands:
    """A stand-in for a stage: notes what is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def succeed(self, command: str, *arguments: str) -> Ran:
        self.asked.append(" ".join((command, *arguments)))
        return Ran(0, "", 20.0 + len(self.asked))

    def smoke(self, preview: str) -> Ran:
        self.asked.append(f"smoke {preview}")
        return Ran(0, "", 3.0)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The previews through which a task went, in order."""
    found: list[str] = []

    def first_task(_stage: object, preview: str) -> float:
        found.append(preview)
        return 0.5

    monkeypatch.setattr(benchmark, "first_task", first_task)
    monkeypatch.setattr(benchmark, "objects", lambda _stage, _preview: 15)
    return found


def test_a_life_is_timed_from_its_up_to_a_task_and_counted_while_it_is_there(
    tasks: list[str],
) -> None:
    stage: Any = Commands()

    life = benchmark.life(stage, "a")

    assert stage.asked == ["up --branch a", "down --branch a"]
    assert (life.up_s, life.first_task_s, life.down_s, life.objects) == (21.0, 21.5, 22.0, 15)
    assert tasks == [preview_name("a")]


def test_in_a_crowd_all_stay_until_each_has_passed_its_smoke_test_beside_the_others(
    tasks: list[str],
) -> None:
    stage: Any = Commands()

    taken_s = list(benchmark.crowd(stage, 3, Progress(Console(file=io.StringIO()))))

    assert taken_s == [21.5, 22.5, 23.5]
    asked = [each.split()[0] for each in stage.asked]
    assert asked == ["up"] * 3 + ["smoke"] * 3 + ["down"] * 3
    assert sorted(stage.asked[3:6]) == sorted(f"smoke {name}" for name in tasks)
    assert len(set(tasks)) == 3


def test_only_what_a_preview_has_made_in_the_cluster_is_counted(tmp_path: Path) -> None:
    file = tmp_path / ".pulumi/stacks/celery-fleet/preview-a.json"
    file.parent.mkdir(parents=True)
    types = {
        "pulumi:pulumi:Stack": False,
        "celery-fleet:home:Home": False,
        "pulumi:providers:kubernetes": False,
        "kubernetes:core/v1:Namespace": False,
        "kubernetes:keda.sh/v1alpha1:ScaledObject": False,
        "kubernetes:core/v1:Secret": True,
    }
    found = [{"type": each, "external": read} for each, read in types.items()]
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": found}}}))
    stage: Any = SimpleNamespace(project=SimpleNamespace(backend=tmp_path))

    assert objects(stage, "preview-a") == 2
