"""What is counted of tasks, and acknowledged, when their worker ends right after them."""

import signal

import pytest

from tests.rehearsal.worker_fleet import Fleet, eventually

pytestmark = pytest.mark.rehearsal

COUNT = 60
SEND = f"""
from worker_image.app import app
app.loader.import_default_modules()
for _ in range({COUNT}):
    app.send_task("worker_image.tasks.canary.work", kwargs={{"seconds": 0.002}})
"""


@pytest.mark.parametrize("ahead", [False, True], ids=["takes none ahead", "takes ahead"])
@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent"])
def test_a_worker_that_stops_right_after_its_tasks_has_counted_and_let_go_of_each(
    fleet: Fleet, pool: str, *, ahead: bool
) -> None:
    holds = ["--prefetch-multiplier=4"] if ahead else ["--prefetch-multiplier=1"]
    fleet.settings["workers"]["default"]["prefetchMultiplier"] = 4 if ahead else 1
    slots = 1 if pool == "solo" else 2
    fleet.publish(SEND)
    worker = fleet.launch(
        "default",
        *("--queues=default", "--hostname=worker-default@pod", f"--pool={pool}"),
        *(f"--concurrency={slots}", *holds, "--without-gossip", "--without-mingle"),
    )
    with fleet.broker.client(1) as results:
        eventually(lambda: results.dbsize() >= COUNT, 30)
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=20) == 0
    with fleet.broker.client() as client:
        assert client.hgetall("fleet:stats:default") == {"done": str(COUNT)}
        assert client.llen("fleet:waits:default") == COUNT
        assert (client.hlen("unacked:default"), client.llen("default")) == (0, 0)
        assert client.zcard("unacked:default_index") == 0


def test_a_replaced_process_of_the_pool_has_told_its_last_tasks(fleet: Fleet) -> None:
    fleet.publish(SEND)
    fleet.launch(
        "default",
        *("--queues=default", "--hostname=worker-default@pod", "--concurrency=1"),
        *("--disable-prefetch", "--without-gossip", "--without-mingle"),
        f"--max-tasks-per-child={COUNT // 3}",
    )

    with fleet.broker.client() as client:
        eventually(lambda: client.hget("fleet:stats:default", "done") == str(COUNT), 40)
