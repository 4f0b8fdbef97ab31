"""An operator's probe is taken back from a real broker, and nothing else is."""

import json

import pytest
import redis

from tests.rehearsal.broker_contents import waiting_ids
from tests.rehearsal.worker_fleet import Fleet
from tests.unit.worker_stage import fair_document
from worker_image.stats import PROBE
from worker_image.tenants import tenants_key

pytestmark = pytest.mark.rehearsal

WORK = "worker_image.tasks.canary.work"
PROBES = "/api/v1/fleet/probes"
MANY = 450


def test_a_waiting_probe_is_removed_from_whatever_list_and_no_other_message(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    """A fair queue's mark goes with it, or its scaler would see work for ever."""
    fleet.settings = fair_document(keyPrefix="p:")
    api = fleet.api()

    def send(task: str, **more: object) -> str:
        kwargs = {} if task == PROBE else {"seconds": 0}
        answer = api.post("/create", json={"task": task, "kwargs": kwargs, **more})
        return str(answer.json()["task_id"])

    def take_back(queue: str, task_id: str) -> object:
        return api.delete(f"{PROBES}/{queue}/{task_id}").json()

    fair = send(PROBE, queue="labeling", tenant="smoke")
    others = send(WORK, queue="labeling", tenant="smoke")
    plain = send(PROBE, queue="default")
    # Pushed deep by what came after it.
    text = store.lindex("p:default", 0)
    for n in range(MANY):
        store.lpush("p:default", str(text).replace(plain, f"later-{n}"))
    work = send(WORK, queue="default")

    assert take_back("labeling", fair) == take_back("default", plain) == {"was_waiting": True}
    assert take_back("labeling", fair) == take_back("labeling", others) == {"was_waiting": False}
    assert take_back("default", work) == {"was_waiting": False}
    assert waiting_ids(store, "p:labeling.smoke") == [others]
    assert store.hlen("p:fair:labeling:pending") == 1
    left = waiting_ids(store, "p:default")
    assert (len(left), plain in left, work in left) == (MANY + 1, False, True)
    assert store.zrange(f"p:{tenants_key('labeling')}", 0, -1) == ["smoke"]
    assert api.delete(f"{PROBES}/nowhere/{plain}").status_code == 422


def test_a_probes_result_is_removed_and_no_other_tasks(fleet: Fleet, store: "redis.Redis") -> None:
    api = fleet.api()

    def result(task_id: str, value: object) -> str:
        meta = {"task_id": task_id, "status": "SUCCESS", "result": value, "traceback": None}
        with fleet.broker.client(db=1) as results:
            results.set(f"celery-task-meta-{task_id}", json.dumps(meta))
        return task_id

    told = {"worker": "w@pod", "waited_seconds": 0.1, "ran_seconds": 0.01}
    mine, others = result("mine", told), result("others", {"slept_seconds": 1})
    for task_id in (mine, others):
        api.delete(f"{PROBES}/default/{task_id}")

    states = [api.get(f"/result/{task_id}").json()["status"] for task_id in (mine, others)]
    assert states == ["pending", "completed"]
    assert not store.keys("*probe*")
