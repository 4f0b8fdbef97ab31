"""The worker image's real processes on a real broker, behind TLS and a password."""

import os
import signal
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import psutil
import pytest
import redis

from tests.rehearsal.broker_contents import make_due
from tests.rehearsal.worker_fleet import (
    Broker,
    Fleet,
    certify,
    counted,
    create,
    eventually,
    free_port,
    result,
    succeeded,
)
from tests.unit.worker_stage import document

pytestmark = pytest.mark.rehearsal

LISTS = ("", ":3", ":6", ":9")
# Prints the id of a task that asks for less than its queue allows.
IN_A_HURRY = """
from worker_image.app import app
app.loader.import_default_modules()
print(app.send_task("worker_image.tasks.canary.work", kwargs={"seconds": 30}, time_limit=1))
"""


def lengths(broker: Broker, queue: str) -> list[int]:
    with broker.client() as client:
        return [client.llen(f"{queue}{step}") for step in LISTS]


def in_flight(broker: Broker, worker: str) -> int:
    with broker.client() as client:
        return int(client.hlen(f"unacked:{worker}"))


def test_a_task_goes_through_api_worker_and_result(fleet: Fleet) -> None:
    fleet.worker("default")
    fleet.worker("labeling")
    api = fleet.api()

    made = result(api, create(api, "samples.make_samples", count=3))
    task_id = create(api, "labeling.label_image", path=made["result"]["images"][0])
    told = result(api, task_id)

    assert told["status"] == "completed"
    assert "red" in told["result"]["labels"]
    lost = result(api, create(api, "labeling.label_image", path="../settings.json"))
    assert lost["status"] == "failed"
    assert lost["error"].startswith("OutsideError: path '../settings.json' is outside")
    labeling = counted(api, "labeling", 2)
    assert (labeling["done"], labeling["failed"], labeling["redelivered"]) == (1, 1, 0)
    assert 0 <= labeling["wait_p50_seconds"] < 5


def test_log_lines_of_parent_and_pool_process_name_the_task(fleet: Fleet) -> None:
    fleet.worker("default")
    api = fleet.api()
    task_id = create(api, "maintenance.record_disk_usage", warn_percent=0.01)
    result(api, task_id)

    lines = eventually(
        lambda: fleet.lines("default") if succeeded(fleet.lines("default")) else None
    )
    told = {line["message"].split()[-1]: line for line in lines if line["task_id"] == task_id}
    received, warning = told["received"], told["free"]
    assert (received["operation"], received["worker"]) == (
        "record_disk_usage",
        "worker-default@pod",
    )
    assert (warning["level"], warning["queue"]) == ("WARNING", "default")
    assert warning["task"] == "worker_image.tasks.maintenance.record_disk_usage"


def test_a_running_task_shows_in_its_workers_in_flight_hash(fleet: Fleet) -> None:
    fleet.worker("labeling")
    api = fleet.api()
    tasks = [create(api, "canary.work", "labeling", seconds=2) for _ in range(2)]

    eventually(lambda: in_flight(fleet.broker, "labeling") == 1)
    queues = api.get("/api/v1/fleet/queues").json()["queues"]
    assert (queues["labeling"]["in_flight"], queues["labeling"]["pending"]) == (1, 1)
    assert queues["default"]["in_flight"] == 0

    for task in tasks:
        assert result(api, task)["status"] == "completed"
    eventually(lambda: in_flight(fleet.broker, "labeling") == 0)


def test_sigterm_lets_the_running_task_end_and_leaves_the_waiting_one(fleet: Fleet) -> None:
    worker = fleet.worker("labeling")
    api = fleet.api()
    running, waiting = (create(api, "canary.work", "labeling", seconds=3) for _ in range(2))
    eventually(lambda: in_flight(fleet.broker, "labeling") == 1)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=15) == 0
    assert api.get(f"/result/{running}").json()["status"] == "completed"
    assert api.get(f"/result/{waiting}").json()["status"] == "pending"
    assert in_flight(fleet.broker, "labeling") == 0
    assert sum(lengths(fleet.broker, "labeling")) == 1
    assert not fleet.heartbeat("labeling").exists()


def test_a_high_priority_is_served_first(fleet: Fleet) -> None:
    api = fleet.api()
    image = {"task": "worker_image.tasks.canary.work", "kwargs": {"seconds": 0}}
    asked = (0, None, 10, 5, 7)
    ids = {
        priority: api.post(
            "/create", json={**image, "queue": "labeling", "priority": priority}
        ).json()["task_id"]
        for priority in asked
    }
    assert lengths(fleet.broker, "labeling") == [1, 3, 0, 1]

    fleet.worker("labeling")
    done = eventually(
        lambda: d if len(d := succeeded(fleet.lines("labeling"))) == len(asked) else None
    )

    assert done == [ids[priority] for priority in (10, None, 5, 7, 0)]


PATHS = """
from celery import chain, group
from worker_image.app import app
from worker_image.tasks.canary import work
app.loader.import_default_modules()
work.apply_async(kwargs={"seconds": 0}, priority=9)
app.send_task(work.name, kwargs={"seconds": 0}, priority=6)
work.s(seconds=0).set(priority=3).delay()
group(work.s(seconds=0).set(priority=9), work.s(seconds=0)).apply_async(priority=9)
chain(work.si(seconds=0), work.si(seconds=0).set(priority=9)).apply_async(priority=9)
work.apply_async(kwargs={"seconds": 0}, queue="labeling", priority=9)
"""


def test_by_whatever_path_a_queue_without_priorities_keeps_one_list(fleet: Fleet) -> None:
    fleet.publish(PATHS)

    assert lengths(fleet.broker, "default") == [6, 0, 0, 0]
    assert lengths(fleet.broker, "labeling") == [0, 0, 0, 1]


def failures(api: httpx.Client) -> int:
    """Of queue `default`, once there are some."""
    queues = "/api/v1/fleet/queues"
    return eventually(lambda: int(api.get(queues).json()["queues"]["default"]["failed"]))


def test_a_task_that_heeds_its_soft_limit_fails_once(fleet: Fleet) -> None:
    fleet.worker("default")
    api = fleet.api()

    (task_id,) = fleet.publish(IN_A_HURRY)
    told = result(api, task_id)

    assert told["error"].startswith("SoftTimeLimitExceeded")
    assert failures(api) == 1
    time.sleep(1.5)  # beyond the hard limit
    assert failures(api) == 1


def test_a_task_killed_at_its_hard_limit_is_counted_and_told(fleet: Fleet) -> None:
    worker = fleet.worker("default")
    api = fleet.api()

    (task_id,) = fleet.publish(IN_A_HURRY)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)
    # It hangs, as in a driver: its soft limit cannot wake it.
    (child,) = psutil.Process(worker.pid).children()
    child.suspend()
    told = result(api, task_id)

    assert told["error"].startswith("TimeLimitExceeded")
    assert failures(api) == 1


def test_each_queue_of_one_worker_has_limits_of_its_own(fleet: Fleet) -> None:
    shared = {"queues": ["default", "scraping"], "inFlightKey": "unacked:shared"}
    fleet.settings = document(workers={"shared": shared})
    fleet.settings["queues"]["default"] |= {"softTimeLimitSeconds": 1, "timeLimitSeconds": 2}
    longest = ("--soft-time-limit=1500", "--time-limit=1800")
    fleet.worker("shared", *longest, queues="default,scraping")
    api = fleet.api()

    short, long = (create(api, "canary.work", q, seconds=3) for q in ("default", "scraping"))

    assert result(api, short)["error"].startswith("SoftTimeLimitExceeded")
    assert result(api, long)["result"]["slept_seconds"] >= 3


def test_a_task_whose_pool_process_is_killed_runs_again(fleet: Fleet) -> None:
    worker = fleet.worker("default")
    api = fleet.api()
    task_id = create(api, "canary.work", seconds=3)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)
    time.sleep(0.5)

    (child,) = psutil.Process(worker.pid).children()
    child.kill()

    assert result(api, task_id)["status"] == "completed"


@pytest.mark.timeout(90)
def test_a_killed_workers_task_runs_again_and_counts_as_redelivered(fleet: Fleet) -> None:
    fleet.settings["visibilityTimeoutSeconds"] = 3
    first = fleet.worker("default")
    api = fleet.api()
    task_id = create(api, "canary.work", seconds=2)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)
    first.kill()
    first.wait()

    fleet.worker("default")

    eventually(lambda: api.get(f"/result/{task_id}").json()["status"] == "completed", 40)
    default = eventually(
        lambda: (
            q
            if (q := api.get("/api/v1/fleet/queues").json()["queues"]["default"])["done"]
            else None
        )
    )
    assert (default["done"], default["redelivered"], default["in_flight"]) == (1, 1, 0)


@pytest.mark.parametrize("pool", ["threads", "gevent", "solo"])
def test_other_pools_get_ready_run_and_drain_as_well(fleet: Fleet, pool: str) -> None:
    worker = fleet.worker("default", f"--pool={pool}")
    api = fleet.api()
    task_id = create(api, "canary.work", seconds=2)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=15) == 0
    assert api.get(f"/result/{task_id}").json()["status"] == "completed"
    default = api.get("/api/v1/fleet/queues").json()["queues"]["default"]
    assert (default["done"], default["failed"], default["in_flight"]) == (1, 0, 0)


@pytest.mark.timeout(90)
def test_a_worker_lives_through_a_broker_outage(fleet: Fleet) -> None:
    fleet.worker("default")
    api = fleet.api()
    heartbeat = fleet.heartbeat("default")
    fleet.broker.close()
    eventually(lambda: any("Connection" in line["message"] for line in fleet.lines("default")))

    for _ in range(2):
        os.utime(heartbeat, (0, 0))
        eventually(lambda: heartbeat.stat().st_mtime > 0)
    work = {"task": "worker_image.tasks.canary.work", "kwargs": {"seconds": 0}}
    answer = api.post("/create", json=work)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    fleet.broker.open(fleet.folder / "endpoint.log")
    assert result(api, create(api, "canary.work", seconds=0))["status"] == "completed"


@pytest.mark.timeout(90)
def test_of_two_beats_one_sends_and_the_other_takes_over(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    beats = [fleet.launch(name, command="beat") for name in ("beat-1", "beat-2")]
    names = ["beat-1", "beat-2"]
    ticking = eventually(lambda: [n for n in names if fleet.heartbeat(n).exists()])
    make_due(store, "record-disk-usage")
    eventually(lambda: lengths(fleet.broker, "default")[0])

    time.sleep(7)
    assert lengths(fleet.broker, "default") == [1, 0, 0, 0]
    assert [n for n in names if fleet.heartbeat(n).exists()] == ticking

    first = names.index(ticking[0])
    beats[first].send_signal(signal.SIGTERM)
    assert beats[first].wait(timeout=15) == 0
    assert not fleet.heartbeat(ticking[0]).exists()
    make_due(store, "purge-stale-scrapes")
    eventually(lambda: lengths(fleet.broker, "default")[0] == 2, 20)


def test_every_key_lies_behind_the_key_prefix(fleet: Fleet) -> None:
    fleet.settings["keyPrefix"] = "pr-7:"
    fleet.worker("default")
    fleet.launch("beat", command="beat")
    api = fleet.api()
    result(api, create(api, "canary.work", seconds=0))
    create(api, "canary.work", "labeling", seconds=0)
    eventually(fleet.heartbeat("beat").exists)

    for db in (0, 1):
        with fleet.broker.client(db) as client:
            keys = client.keys("*")
        assert keys
        assert [key for key in keys if not key.startswith("pr-7:")] == []


@pytest.mark.parametrize(
    ("options", "env", "told"),
    [
        (["--queues=labelling"], {}, "-Q names ['labelling']: no such queue"),
        (["--queues=default,labeling"], {}, "its scaler would count other queues"),
        (["--queues=labeling"], {"FLEET_WORKER": ""}, "FLEET_WORKER is not set"),
        (["--queues=labeling"], {"IMAGINEER_PURGE_SCRAPE_HOUR": "25"}, "is '25'"),
    ],
)
def test_a_worker_that_must_not_start_says_why_and_nothing_else(
    fleet: Fleet, options: list[str], env: dict[str, str], told: str
) -> None:
    worker = fleet.launch("labeling", *options, **env)

    assert worker.wait(timeout=15) == 1
    first, *reasons = fleet.log("labeling").read_text().splitlines()
    assert first == "worker_image cannot start:"
    assert len(reasons) == 1
    assert told in reasons[0]


def test_an_api_without_a_token_does_not_start(fleet: Fleet) -> None:
    command = ("uvicorn", "worker_image.api:app", "--port=1")
    api = fleet.processes.start(fleet.log("api"), *command, **fleet.env)

    assert api.wait(timeout=15) == 1
    assert "FLEET_API_TOKEN is not set" in fleet.log("api").read_text()


@pytest.mark.parametrize(("name", "address"), [("stranger", "127.0.0.1"), ("broker", "127.0.0.2")])
def test_a_broker_that_cannot_prove_itself_is_not_talked_to(
    broker: Broker, fleet: Fleet, name: str, address: str
) -> None:
    """Another CA's certificate, or one for another host."""
    folder = fleet.folder / "impostor"
    folder.mkdir()
    certificate, _ = certify(folder, name, address)
    impostor = Broker(folder, free_port(), fleet.processes)
    (folder / "broker.sock").symlink_to(broker.folder / "broker.sock")
    impostor.open(folder / "endpoint.log", name)
    fleet.broker = impostor
    ca = broker.ca if name == "stranger" else certificate

    fleet.launch("default", "--queues=default", FLEET_BROKER_CA_FILE=str(ca))

    lines = eventually(
        lambda: [line for line in fleet.lines("default") if "certificate" in line["message"]]
    )
    assert "CERTIFICATE_VERIFY_FAILED" in lines[0]["message"]
    assert not fleet.heartbeat("default").exists()


class Shy(BaseHTTPRequestHandler):
    """A site that is too busy for the first request."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(503 if self.asked == 1 else 200)
        self.end_headers()
        self.wfile.write(b"<title>here</title>")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shy)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_pages_are_fetched_at_the_queues_rate_and_a_busy_site_is_asked_again(
    fleet: Fleet, site: str
) -> None:
    limits = {"worker_image.tasks.scraping.fetch_page": "2/s"}
    fleet.settings["queues"]["scraping"]["rateLimits"] = limits
    fleet.worker("scraping")
    api = fleet.api()
    started = time.monotonic()

    ids = [create(api, "scraping.fetch_page", url=f"{site}/{n}") for n in range(5)]
    told = [result(api, task_id) for task_id in ids]

    assert {answer["result"]["title"] for answer in told} == {"here"}
    assert time.monotonic() - started >= 2
    scraping = counted(api, "scraping", 5)
    assert (scraping["done"], scraping["failed"], scraping["in_flight"]) == (5, 0, 0)


def test_settings_of_a_shared_worker_attribute_its_tasks(fleet: Fleet) -> None:
    shared = {"queues": ["default", "scraping"], "inFlightKey": "unacked:shared"}
    fleet.settings = document(workers={"shared": shared})
    fleet.worker("shared", queues="default,scraping")
    api = fleet.api()
    create(api, "canary.work", "scraping", seconds=2)

    eventually(lambda: in_flight(fleet.broker, "shared") == 1)
    queues = api.get("/api/v1/fleet/queues").json()["queues"]
    assert (queues["scraping"]["in_flight"], queues["default"]["in_flight"]) == (1, 0)
