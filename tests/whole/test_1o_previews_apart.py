"""Two previews and their base on one broker: none sees what is another's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any, Literal

import pytest
import redis

from fleet import api_client
from fleet.previews.naming import key_prefix, preview_name
from tests.whole.one_broker import QUEUE, Databases, Sharer
from tests.whole.running_fleet import NAMESPACE, STACK, RunningFleet, until

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(300)]

# Alike in what people read of them.
BRANCHES = ("apart/One", "apart/one")
PROBE = "worker_image.tasks.canary.probe"
TASKS = 6
ENTRY = """
from celery.schedules import schedule
from redbeat import RedBeatSchedulerEntry
from worker_image.app import app
options = {"queue": "default"}
entry = RedBeatSchedulerEntry(
    "apart", "worker_image.tasks.canary.work", schedule(1), kwargs={"seconds": 0},
    options=options, app=app,
)
entry.%s()
"""

Stacks = tuple[Sharer, Sharer, Sharer]


@pytest.fixture(scope="module")
def databases(running: RunningFleet) -> Iterator[Databases]:
    """As the broker's own user, who may see all."""
    secret = running.cluster.secret("rehearsal", "broker")
    assert secret is not None
    with ExitStack() as opened:
        clients = [
            redis.Redis(
                host=secret["host"],
                username=secret["username"],
                password=secret["password"],
                port=int(secret["port"]),
                db=db,
                ssl=True,
                ssl_ca_data=secret["ca.crt"],
                decode_responses=True,
            )
            for db in (0, 1)
        ]
        for client in clients:
            opened.callback(client.close)
        yield Databases(*clients)


@pytest.fixture(scope="module")
def before(databases: Databases) -> tuple[set[str], set[str]]:
    """Keys and channels of earlier."""
    return databases.keys(), databases.channels()


@pytest.fixture(scope="module")
def stacks(
    running: RunningFleet,
    before: object,  # noqa: ARG001 - seen before they are up
) -> Iterator[Stacks]:
    """The base and two previews, up."""
    names = [preview_name(branch) for branch in BRANCHES]
    try:
        for branch in BRANCHES:
            up = running.fleet("preview", "up", "--branch", branch, "--base", STACK)
            assert up.returncode == 0, up.output
        apis = [api_client.connect(running.cluster, name) for name in (NAMESPACE, *names)]
        prefixes = [f"{STACK}:", *map(key_prefix, names)]
        one, two, three = (
            Sharer(name, prefix, running.cluster, api)
            for name, prefix, api in zip((NAMESPACE, *names), prefixes, apis, strict=True)
        )
        yield one, two, three
    finally:
        for branch in BRANCHES:
            down = running.fleet("preview", "down", "--branch", branch, "--base", STACK)
            assert down.returncode == 0, down.output


def test_tasks_and_results_stay_with_the_stack_that_sent_them(
    stacks: Stacks, databases: Databases
) -> None:
    done = [stack.done() for stack in stacks]
    sent: dict[str, list[str]] = {stack.namespace: [] for stack in stacks}
    for _ in range(TASKS):
        for stack in stacks:
            sent[stack.namespace].append(stack.api.create(PROBE, {}, queue=QUEUE))

    for stack in stacks:
        stack.ended(sent[stack.namespace])
        ran = [stack.api.result(task).value["worker"] for task in sent[stack.namespace]]
        assert [host for host in ran if not stack.sees(host)] == []
    for task in (task for tasks in sent.values() for task in tasks):
        (owner,) = (stack for stack in stacks if task in sent[stack.namespace])
        assert {stack.api.result(task).status for stack in stacks if stack != owner} == {"pending"}
        assert databases.keys(f"*{task}*") == {f"{owner.prefix}celery-task-meta-{task}"}
    until(
        lambda: (
            all(stack.done() == count + TASKS for stack, count in zip(stacks, done, strict=True))
            or None
        ),
        30,
        f"each stack counts its own {TASKS} tasks",
    )


def test_each_beat_has_its_own_lock_and_sends_its_own_schedule_alone(
    stacks: Stacks, databases: Databases
) -> None:
    locks = {databases.messages.get(f"{stack.prefix}redbeat::lock") for stack in stacks}
    assert len(locks - {None}) == len(stacks)
    _, planner, other = stacks
    done = [stack.done() for stack in stacks]
    planner.python(ENTRY % "save")
    try:
        until(lambda: planner.done() >= done[1] + 5 or None, 60, "the schedule runs")
        for stack in (stacks[0], other):
            entries = databases.messages.zrange(f"{stack.prefix}redbeat::schedule", 0, -1)
            assert [entry for entry in entries if str(entry).endswith("redbeat:apart")] == []
        # An entry of its own may be due just now.
        assert stacks[0].done() - done[0] <= 1
        assert other.done() - done[2] <= 1
    finally:
        planner.python(ENTRY % "delete")


def heard_all(file: Path, tasks: list[str]) -> Literal[True] | None:
    told = [line for line in file.read_text().splitlines() if "task succeeded" in line]
    return all(any(task in line for line in told) for task in tasks) or None


def test_events_tell_of_the_stacks_own_workers_and_tasks(stacks: Stacks, tmp_path: Path) -> None:
    files = {stack.namespace: tmp_path / stack.namespace for stack in stacks}
    with ExitStack() as receiving:
        for stack in stacks:
            receiving.enter_context(stack.events(files[stack.namespace]))
            stack.wake(20)
            stack.celery("control", "enable_events")
        sent = {stack.namespace: stack.send(TASKS) for stack in stacks}
        for stack in stacks:
            stack.ended(sent[stack.namespace])
            heard_by = partial(heard_all, files[stack.namespace], sent[stack.namespace])
            until(heard_by, 30, f"{stack.namespace} hears of its tasks")
    heard = {name: file.read_text() for name, file in files.items()}
    for stack, other in permutations(stacks, 2):
        told = heard[stack.namespace]
        assert stack.sees(told)
        assert not other.sees(told)
        assert [task for task in sent[other.namespace] if task in told] == []


def test_an_api_lists_nothing_of_another_stack(stacks: Stacks, databases: Databases) -> None:
    base, troubled, other = stacks
    for stack in stacks:
        stack.wake(20)
    databases.messages.lpush(f"{troubled.prefix}misspelt", "{}")
    databases.messages.lpush(f"{troubled.prefix}{QUEUE}", "no message")
    troubled.api.ask("PUT", f"/api/v1/fleet/campaigns/{QUEUE}")
    held = set(troubled.active())
    assert held

    def letters(stack: Sharer) -> int:
        dead = stack.api.ask("GET", "/api/v1/fleet/dead")["queues"]
        return sum(queue["count"] for queue in dead.values())

    quiet = {stack.namespace: letters(stack) for stack in (base, other)}
    until(lambda: letters(troubled) or None, 60, "the letter is parked")
    warned = lambda stack: str(stack.api.ask("GET", "/api/v1/workers/health")["warnings"])  # noqa: E731 - short
    until(lambda: "misspelt" in warned(troubled) or None, 90, "its janitor tells of the list")

    for stack in (base, other):
        assert letters(stack) == quiet[stack.namespace]
        assert "misspelt" not in warned(stack)
        assert QUEUE not in stack.api.ask("GET", "/api/v1/fleet/campaigns")["running"]
        assert not held & set(stack.active())
    for stack in stacks:
        workers = stack.api.ask("GET", "/api/v1/workers/stats")
        assert [name for name in workers if not stack.sees(name)] == []


def test_scalers_count_the_stacks_own_lists(stacks: Stacks) -> None:
    for stack in stacks:
        path = f"/apis/keda.sh/v1alpha1/namespaces/{stack.namespace}/scaledobjects"
        triggers = [
            trigger["metadata"]
            for scaler in stack.cluster.items(path)
            for trigger in scaler["spec"]["triggers"]
            if trigger["type"] == "redis"
        ]
        lists = [told["listName"] for told in triggers]
        assert lists
        assert [name for name in lists if not name.startswith(stack.prefix)] == []


def test_objects_of_the_whole_cluster_are_one_stacks(stacks: Stacks) -> None:
    """They would change hands with each `up`, and go with the first preview."""
    for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
        found = stacks[0].cluster.items(f"/apis/admissionregistration.k8s.io/v1/{kind}")
        for each in found:
            labelled = each["metadata"].get("labels", {}).get("app.kubernetes.io/instance")
            named = [s.namespace for s in stacks if s.namespace in each["metadata"]["name"]]
            assert labelled not in {s.namespace for s in stacks} or named == [labelled]


def test_everything_on_the_broker_begins_with_its_stacks_prefix(
    stacks: Stacks, databases: Databases, before: tuple[set[str], set[str]]
) -> None:
    for stack in stacks:
        stack.wake(20)
    prefixes = tuple(stack.prefix for stack in stacks)
    told = (databases.keys() - before[0]) | (databases.channels() - before[1])

    assert [key for key in told if not key.startswith(prefixes)] == []
    for prefix in prefixes:
        assert any(key.startswith(prefix) for key in told | before[0])


def of_each(stacks: Stacks, *words: str) -> list[tuple[Sharer, dict[str, Any]]]:
    """What each stack's workers have answered, asked at once.

    A task is limited to a minute, and `celery` may take ten seconds: workers are kept awake by one
    more each time.
    """
    for stack in stacks:
        stack.wake(40)
    with ThreadPoolExecutor(len(stacks)) as asking:
        answers = asking.map(lambda stack: stack.answers(*words), stacks)
        return list(zip(stacks, answers, strict=True))


def test_remote_control_reaches_the_stacks_own_workers(stacks: Stacks) -> None:
    for stack in reversed(stacks):
        stack.wake(50)
    for stack, answers in of_each(stacks, "active_queues"):
        ((host, queues),) = answers.items()
        assert stack.sees(host)
        assert QUEUE in {queue["name"] for queue in queues}

    _, sender, _ = stacks
    sender.celery("control", "rate_limit", PROBE, "7/m")
    sender.celery("control", "pool_grow", "1")
    sender.celery("control", "revoke", "of-one-stack")

    for stack, answers in of_each(stacks, "registered", "rate_limit"):
        (told,) = answers.values()
        assert any("7/m" in each for each in told) is (stack is sender)
    for stack, answers in of_each(stacks, "stats"):
        (stats,) = answers.values()
        assert len(stats["pool"]["processes"]) == (3 if stack is sender else 2)
    for stack, answers in of_each(stacks, "revoked"):
        (revoked,) = answers.values()
        assert ("of-one-stack" in revoked) is (stack is sender)
    for stack, answers in of_each(stacks, "ping"):
        ((host, told),) = answers.items()
        assert (stack.sees(host), told) == (True, {"ok": "pong"})
    # And goes on to work.
    for stack in stacks:
        stack.ended(stack.send(1))
