"""The worker image's real processes on a real broker, behind TLS and a password."""

import signal
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.rehearsal.broker_contents import in_flight, lengths
from tests.rehearsal.worker_fleet import (
    Fleet,
    counted,
    create,
    eventually,
    result,
    succeeded,
)
from tests.unit.worker_stage import document

pytestmark = pytest.mark.rehearsal


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
    running, waiting = (create(api, "canary.work", "labeling", seconds=4) for _ in range(2))
    # What is held and has not begun would be given back, too.
    eventually(lambda: api.get("/api/v1/workers/active").json().get("worker-labeling@pod"))

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
