"""Scale-ins hit pods that work, and no task is lost or runs twice."""

import json
import subprocess

import pytest

from tests.whole.running_fleet import STACK, RunningFleet

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]

ROUNDS = 10


def test_ten_scale_ins_under_load_lose_and_repeat_nothing(running: RunningFleet) -> None:
    running.rest("scraping")
    results = running.folder / "scale_in.json"
    options = f"--rounds {ROUNDS} --stack {STACK} --replicas 5 --floor 2 --results {results}"
    python = str(running.folder / ".venv/bin/python")

    run = subprocess.run(
        [python, "-m", "benchmarks.scale_in", *options.split()],
        cwd=running.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(results.read_text())
    assert (figures["rounds"], figures["while_tasks_ran"]) == (ROUNDS, ROUNDS)
    assert figures["tasks"] == figures["results"] == figures["runs"] > ROUNDS
    assert figures["finished_after_sigterm"] >= ROUNDS
    running.rest("scraping")
