"""One trace from an HTTP request through the broker to the lines of the worker."""

import json
import time

import psutil
import pytest

from tests.rehearsal.worker_fleet import Fleet, eventually, result, succeeded

pytestmark = pytest.mark.rehearsal

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_requests_trace_reaches_message_and_log_and_survives_a_lost_process(fleet: Fleet) -> None:
    api = fleet.api()
    body = {"task": "worker_image.tasks.canary.work", "kwargs": {"seconds": 1.5}}
    answer = api.post("/create", json=body, headers={"traceparent": PARENT})
    with fleet.broker.client() as client:
        message = json.loads(str(client.lindex("default", 0)))
    assert message["headers"]["traceparent"] == PARENT

    worker = psutil.Process(fleet.worker("default").pid)
    with fleet.broker.client() as client:
        eventually(lambda: client.hlen("unacked:default") == 1)
    time.sleep(0.5)
    (child,) = worker.children()
    child.kill()

    assert result(api, answer.json()["task_id"])["status"] == "completed"
    eventually(lambda: succeeded(fleet.lines("default")))
    about = [line for line in fleet.lines("default") if line["task_id"]]
    received = [line for line in about if "received" in line["message"]]
    assert {(line["trace_id"], line["queue"]) for line in received} == {(TRACE, "default")}
    assert len(received) == 2
    done = [line for line in about if " succeeded in " in line["message"]]
    assert [(line["trace_id"], line["queue"]) for line in done] == [(TRACE, "default")]
