"""A preview beside the running fleet: up, a task through it, listed, down, nothing left."""

import json
import re

import pytest
import redis

from fleet import api_client
from fleet.api_client import FleetApi
from fleet.previews.naming import preview_name
from tests.whole.running_fleet import CANARY, STACK, RunningFleet, until

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(300)]

BRANCH = "feature/Scrape-faster"
NAME = preview_name(BRANCH)
NAMED = ("--branch", BRANCH, "--base", STACK)
# Its image policy lets in no other: `down` has to run a pod of the base's all the same.
IMAGE = "celery-fleet/worker:branch"


def keys(broker: "redis.Redis", prefix: str) -> set[str]:
    return set(broker.scan_iter(f"{prefix}*", count=1000))


def look_inside(running: RunningFleet, api: FleetApi, done: str) -> None:
    """What a person asks of a preview: what its worker has logged, and whether Celery answers."""
    # It keeps the worker's pod for as long as this looks.
    api.create(CANARY, {"seconds": 60}, queue="scraping")

    logs = running.fleet("preview", "logs", *NAMED, "--worker", "preview", "--tail", "-1")
    assert (logs.returncode, done in logs.stdout) == (0, True), logs.output

    ping = ("celery", "-A", "worker_image.app", "inspect", "ping")
    answer = running.fleet("preview", "exec", *NAMED, "--", *ping)
    assert (answer.returncode, "preview@" in answer.stdout) == (0, True), answer.output
    assert answer.stdout.count("pong") == 1, "it hears of no worker but its own"
    own = running.fleet("preview", "exec", NAME, "--process", "api", "--", "sh", "-c", "exit 7")
    assert own.returncode == 7, own.output

    unknown = running.fleet("preview", "logs", "--branch", "no-such", "--base", STACK)
    assert unknown.returncode == 1
    assert f"there are {NAME} ({BRANCH})" in unknown.output


def test_a_preview_runs_beside_its_base_and_leaves_nothing(
    running: RunningFleet, broker: "redis.Redis"
) -> None:
    selected = running.pulumi("stack", "--show-name").stdout
    up = running.fleet("preview", "up", *NAMED, "--ttl", "2h", "--image", IMAGE, "--smoke")
    assert up.returncode == 0, up.output
    assert f"{NAME} (branch {BRANCH}, commit " in up.output
    assert "queues    default, labeling, scraping" in up.output
    assert re.search(
        r"^smoke +every queue in time: default [\d.]+ s, scraping ", up.output, re.MULTILINE
    )

    api = api_client.connect(running.cluster, NAME)
    task = api.create(CANARY, {"seconds": 0.1}, queue="scraping")
    ended = until(lambda: api.result(task).status != "pending" or None, 60, "its task has ended")
    assert ended
    assert api.result(task).status == "completed"
    assert keys(broker, f"{NAME}:")
    assert running.api.queues()["scraping"].pending == 0

    look_inside(running, api, task)

    (listed,) = json.loads(running.fleet("preview", "list", "--base", STACK, "--json").stdout)
    assert (listed["name"], listed["branch"], listed["state"]) == (NAME, BRANCH, "up")
    # 15 objects, the base's Secret as read, the stack, its provider, components, the base's output.
    assert listed["resources"] <= 29
    assert running.pulumi("stack", "--show-name").stdout == selected

    down = running.fleet("preview", "down", *NAMED)
    assert down.returncode == 0, down.output
    assert running.cluster.get(f"/api/v1/namespaces/{NAME}") is None
    assert keys(broker, f"{NAME}:") == set()
    assert keys(broker, f"{STACK}:")
    assert not (running.folder / f"Pulumi.{NAME}.yaml").exists()
    assert NAME not in running.pulumi("stack", "ls").stdout
    assert running.pulumi("stack", "--show-name").stdout == selected
    again = running.fleet("preview", "down", *NAMED)
    assert (again.returncode, "there is no preview" in again.output) == (0, True), again.output
