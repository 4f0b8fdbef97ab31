"""The API's outbox: a real broker is killed, and the API too; what was accepted runs once."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from tests.rehearsal.broker_contents import waiting_ids
from tests.rehearsal.relay import PlainBroker
from tests.rehearsal.stage import kill
from tests.rehearsal.worker_fleet import Fleet, eventually, succeeded

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(180)]

WORK = "worker_image.tasks.canary.work"
REQUESTS = 200


class Outage:
    """A fleet on a broker that can be killed, whose API has an outbox."""

    def __init__(self, fleet: Fleet, broker: PlainBroker) -> None:
        self.fleet = fleet
        self.broker = broker
        url = f"redis://default:p%2Fw%3Ad@127.0.0.1:{broker.port}"
        self.env = {
            "CELERY_BROKER_URL": f"{url}/0",
            "CELERY_RESULT_BACKEND": f"{url}/1",
            "FLEET_BROKER_CA_FILE": "",
        }

    def api(self) -> httpx.Client:
        return self.fleet.api(**self.env, FLEET_OUTBOX_DIR=str(self.fleet.folder / "outbox"))

    def kill_api(self) -> None:
        """Kill the process that was started last."""
        kill(self.fleet.processes.started[-1].pid)

    def worker(self) -> None:
        options = ("--queues=default", "--concurrency=2", "--disable-prefetch")
        self.fleet.launch("default", *options, "--hostname=worker-default@pod", **self.env)


@pytest.fixture
def outage(fleet: Fleet, plain: PlainBroker) -> Outage:
    return Outage(fleet, plain)


@pytest.fixture
def kept(plain: PlainBroker) -> Iterator["redis.Redis"]:
    with plain.client() as client:
        yield client


def send(api: httpx.Client, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post("/create", json={"task": WORK, "kwargs": {"seconds": 0}}, headers=headers)


def stored(api: httpx.Client) -> int:
    return int(api.get("/api/v1/outbox").json()["stored"])


def test_what_is_accepted_while_the_broker_is_away_runs_once_though_the_api_is_killed(
    outage: Outage, kept: "redis.Redis"
) -> None:
    """Half of them have a key, and are repeated; the API dies twice, once while it sends."""
    api = outage.api()
    before = send(api).json()["task_id"]
    outage.broker.kill()

    keys = [None if n % 2 else f"order-{n}" for n in range(REQUESTS)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda key: send(api, key), keys))
        again = list(pool.map(lambda key: send(api, key), keys[::2]))
    ids = [answer.json()["task_id"] for answer in answers]
    told = {(answer.status_code, answer.json()["status"]) for answer in answers}
    assert told == {(202, "stored")}
    assert [answer.json()["task_id"] for answer in again] == ids[::2]
    assert api.get(f"/result/{ids[0]}").json() == {"status": "pending"}
    assert stored(api) == len(set(ids)) == REQUESTS

    outage.kill_api()
    api = outage.api()
    eventually(lambda: stored(api) == REQUESTS)
    outage.broker.start()
    eventually(lambda: len(waiting_ids(kept)) > REQUESTS // 10)
    outage.kill_api()
    api = outage.api()
    eventually(lambda: len(waiting_ids(kept)) > REQUESTS, within_s=30)
    eventually(lambda: stored(api) == 0)
    accepted = sorted([before, *ids])
    assert sorted(waiting_ids(kept)) == accepted

    outage.worker()
    eventually(lambda: kept.llen("default") == kept.hlen("unacked:default") == 0, within_s=60)
    assert sorted(succeeded(outage.fleet.lines("default"))) == accepted
    assert api.get(f"/result/{ids[0]}").json()["status"] == "completed"
    assert send(api).status_code == 200


def test_what_a_frozen_broker_had_read_and_the_outbox_sends_again_is_there_once(
    outage: Outage, kept: "redis.Redis"
) -> None:
    """The first try is written once the server goes on, long after its caller was answered."""
    api = outage.api()
    first = send(api).json()["task_id"]
    server = outage.broker.server
    assert server is not None
    server.send_signal(signal.SIGSTOP)
    answer = send(api)
    behind = send(api, "order-7")
    server.send_signal(signal.SIGCONT)
    assert (answer.status_code, behind.status_code) == (202, 202)

    eventually(lambda: stored(api) == 0)
    after = send(api).json()["task_id"]

    ids = [first, answer.json()["task_id"], behind.json()["task_id"], after]
    assert waiting_ids(kept) == ids
    # Only what was stored may yet be sent again.
    eventually(lambda: len(kept.keys("fleet:sent:*")) == 1)


def test_without_an_outbox_the_api_refuses_and_says_when_to_come_back(outage: Outage) -> None:
    api = outage.fleet.api(**outage.env)
    outage.broker.kill()

    answer = send(api)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert api.get("/api/v1/outbox").status_code == 404
