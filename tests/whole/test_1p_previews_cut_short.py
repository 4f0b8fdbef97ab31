"""A preview whose up and down are killed midway, beside the running fleet: nothing is left."""

import pytest

from benchmarks.previews.stage import Stage
from chaos.previews.cycle import Cycle, Typical, finish, take_down
from chaos.previews.strikes import Strike, struck
from fleet.project import Project
from tests.whole.running_fleet import STACK, RunningFleet

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(400)]

BRANCH = "cut-short"
TYPICAL = Typical(up_s=20.0, down_s=15.0)


def test_an_up_and_a_down_that_are_killed_are_finished_by_the_next(running: RunningFleet) -> None:
    stage = Stage(Project(running.folder, running.folder / ".state"), STACK)
    cycle = Cycle(1, BRANCH)

    hit = struck(stage, "up", BRANCH, Strike("kill all", 0.6, 0.0), TYPICAL.up_s)
    assert hit.code
    finish(stage, cycle, print)
    struck(stage, "down", BRANCH, Strike("kill engine", 0.6, 0.0), TYPICAL.down_s)
    # Somebody goes on with the branch after all: its processes are gone, and come back.
    stage.succeed("up", "--branch", BRANCH, "--smoke")
    struck(stage, "down", BRANCH, Strike("kill engine", 0.6, 0.0), TYPICAL.down_s)
    take_down(stage, cycle, print)

    assert cycle.finished
    assert (cycle.problems, cycle.left) == ([], [])
    stage.close()
