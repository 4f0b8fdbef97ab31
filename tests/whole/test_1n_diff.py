"""`fleet diff` of a real preview, on a fleet that runs a task meanwhile."""

import json
from typing import Any

import pytest

from tests.whole.running_fleet import STACK, RunningFleet, until

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(300)]

QUEUE = "scraping"


def other(config: dict[str, Any]) -> None:
    config["celery-fleet:workers"][QUEUE]["concurrency"] = 3
    config["celery-fleet:workers"]["labeling"]["maxReplicaCount"] = 20


def test_it_tells_bounds_waits_restarts_and_what_is_in_flight_and_changes_nothing(
    running: RunningFleet,
) -> None:
    original, made = running.stack_file.read_text(), running.folder / "preview.json"
    running.edit_stack(other)
    try:
        made.write_text(running.pulumi("preview", "--json").stdout)
        task = running.canary(QUEUE, 12)
        until(lambda: running.api.queues()[QUEUE].in_flight or None, 60, "the task runs")
        told = running.fleet("diff", "-s", STACK, "--preview", str(made), "--json")
    finally:
        running.stack_file.write_text(original)

    assert told.returncode == 0, told.output
    found = json.loads(told.stdout)
    assert found["dangers"] == found["notes"] == []
    workers = {each["worker"]: each for each in found["workers"]}
    assert workers.keys() == {QUEUE, "labeling"}
    labeling, scraping = workers["labeling"], workers[QUEUE]
    assert "max 6 -> 20" in labeling["settings"]
    assert labeling["before"]["burst_p95_s"] > labeling["after"]["burst_p95_s"]
    assert (scraping["restart"], scraping["in_flight"]) == ("rolls", 1)
    assert running.result(task, 60).status == "completed"
    # By a preview of its own.
    nothing = running.fleet("diff", "-s", STACK)
    assert nothing.stdout.strip() == f"stack {STACK}: nothing changes"
