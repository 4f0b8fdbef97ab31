"""A preview whose up and down are killed midway, beside the running fleet: nothing is left."""

import pytest

from benchmarks.previews.stage import Stage
from chaos.previews.cycle import Cycle, Typical, finish, take_down
from chaos.previews.strikes import Strike, struck
from fleet.previews.naming import preview_name
from fleet.project import Project
from tests.whole.running_fleet import STACK, RunningFleet

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(400)]

BRANCH = "cut-short"
TYPICAL = Typical(up_s=20.0, down_s=15.0)
# On a quiet machine it takes eleven seconds.
IN_THE_MIDDLE = 0.3


def test_an_up_and_a_down_that_are_killed_are_finished_by_the_next(running: RunningFleet) -> None:
    stage = Stage(Project(running.folder, running.folder / ".state"), STACK)
    cycle = Cycle(1, BRANCH)

    hit = struck(stage, "up", BRANCH, Strike("kill all", IN_THE_MIDDLE, 0.0), TYPICAL.up_s)
    assert hit.code
    finish(stage, cycle, print)
    struck(stage, "down", BRANCH, Strike("kill engine", 0.6, 0.0), TYPICAL.down_s)
    take_down(stage, cycle, print)

    assert cycle.finished
    assert (cycle.problems, cycle.left) == ([], [])
    stage.close()


def test_processes_that_a_broken_off_down_has_ended_come_back(running: RunningFleet) -> None:
    named = ("--branch", BRANCH, "--base", STACK)
    assert running.fleet("preview", "up", *named).returncode == 0
    # What `down` does before Pulumi hears of it.
    ended = ["kubectl", "-n", preview_name(BRANCH), "delete", "scaledobjects,deployments", "--all"]
    assert running._run(ended, running.environment).returncode == 0

    up = running.fleet("preview", "up", *named, "--smoke")

    assert up.returncode == 0, up.output
    assert "smoke     every queue in time" in up.output
    assert running.fleet("preview", "down", *named).returncode == 0
