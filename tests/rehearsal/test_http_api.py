"""The HTTP API's real process on a real broker: one message for one key, and none lost."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import redis

from tests.rehearsal.broker_contents import waiting_ids
from tests.rehearsal.worker_fleet import (
    Fleet,
)
from tests.unit.worker_stage import fair_document
from worker_image.tenants import tenants_key

pytestmark = pytest.mark.rehearsal

WORK = "worker_image.tasks.canary.work"


def send(api: httpx.Client, key: str, seconds: float = 0, **more: Any) -> httpx.Response:
    body = {"task": WORK, "kwargs": {"seconds": seconds}, **more}
    return api.post("/create", json=body, headers={"Idempotency-Key": key})


def test_the_same_request_under_one_key_is_one_message(fleet: Fleet, store: "redis.Redis") -> None:
    api = fleet.api()

    first, again = send(api, "order-7"), send(api, "order-7")
    typed = api.post(
        "/api/v1/tasks/canary/work", json={"seconds": 0}, headers={"Idempotency-Key": "order-7"}
    )
    other = send(api, "order-8")

    assert first.status_code == 200
    assert first.json() == again.json() == typed.json()
    assert sorted(waiting_ids(store)) == sorted([first.json()["task_id"], other.json()["task_id"]])
    (key, _) = sorted(store.keys("fleet:once:*"))
    assert 23 * 3600 < int(store.ttl(key)) <= 24 * 3600


def test_requests_that_race_under_one_key_are_one_message(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    apis = [fleet.api(), fleet.api()]
    with ThreadPoolExecutor(16) as pool:
        for race in range(20):
            answers = pool.map(lambda n, key=f"race-{race}": send(apis[n % 2], key), range(16))
            assert len({answer.json()["task_id"] for answer in answers}) == 1

    assert len(waiting_ids(store)) == 20


@pytest.mark.parametrize("more", [{"seconds": 1}, {"queue": "labeling"}, {"priority": 9}])
def test_another_request_under_a_used_key_is_refused_and_not_sent(
    fleet: Fleet, store: "redis.Redis", more: dict[str, Any]
) -> None:
    api = fleet.api()
    send(api, "order-7")

    refused = send(api, "order-7", **more)

    assert refused.status_code == 422
    assert "Idempotency-Key 'order-7' was used for another request" in refused.json()["detail"]
    assert len(waiting_ids(store)) == 1
    assert store.llen("labeling") == 0


def test_a_tenants_message_under_a_key_is_marked_once(fleet: Fleet, store: "redis.Redis") -> None:
    fleet.settings = fair_document(keyPrefix="p:")
    api = fleet.api()

    for _ in range(2):
        assert send(api, "order-7", queue="labeling", tenant="acme").status_code == 200

    assert len(waiting_ids(store, "p:labeling.acme")) == 1
    assert store.hlen("p:fair:labeling:pending") == 1
    assert store.zrange(f"p:{tenants_key('labeling')}", 0, -1) == ["acme"]
    assert len(store.keys("p:fleet:once:*")) == len(store.keys("*once*")) == 1
    queues = api.get("/api/v1/fleet/queues").json()["queues"]
    assert (queues["labeling"]["pending"], queues["labeling"]["tenants"]) == (1, 1)


def test_every_accepted_task_is_in_redis_though_the_broker_comes_and_goes(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    """Each key is tried until it is accepted; what is accepted is there once, and nothing else."""
    api = fleet.api()
    accepted: dict[str, str] = {}
    refused = 0

    def accept(key: str) -> None:
        nonlocal refused
        for _ in range(60):
            answer = send(api, key)
            if answer.status_code == 200:
                accepted[key] = answer.json()["task_id"]
                return
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            refused += 1
            time.sleep(0.2)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(accept, f"key-{n}") for n in range(200)]
        for _ in range(2):
            enough = len(accepted) + 20
            while len(accepted) < enough:
                time.sleep(0.05)
            fleet.broker.close()
            time.sleep(2)
            fleet.broker.open(fleet.log("endpoint"))
        for each in asked:
            each.result()

    assert refused > 0
    assert len(accepted) == 200
    assert sorted(waiting_ids(store)) == sorted(accepted.values())


def test_a_broker_that_hangs_is_told_and_health_checks_go_on(fleet: Fleet) -> None:
    """A socket that accepts and never answers: slower to tell than a refused connection."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        port = silent.getsockname()[1]
        url = f"rediss://default:x@127.0.0.1:{port}/0"
        api = fleet.api(CELERY_BROKER_URL=url)
        with ThreadPoolExecutor(20) as pool:
            answers = [pool.submit(send, api, f"key-{n}") for n in range(20)]
            time.sleep(1)
            began = time.monotonic()
            assert api.get("/healthz").is_success
            assert time.monotonic() - began < 5
            assert {each.result().status_code for each in answers} == {503}
