"""The monitoring endpoints' answers and warnings."""

import pytest
from fastapi import FastAPI

from tests.unit.worker_api_stage import LABEL, Fleet, ask, ports, presence, queue_state
from worker_image.api_monitor import Overview, QueueState, span
from worker_image.api_routes import create_api
from worker_image.wait_history import Minute

MINUTES_16_S = 16 * 60.0


@pytest.fixture
def fleet() -> Fleet:
    states = {
        "labeling": queue_state(30, oldest_s=MINUTES_16_S),
        "training": queue_state(workers=0),
    }
    idle = presence("worker-labeling@other", active=(), running=0)
    return Fleet(states=states, connected=(presence(), idle))


@pytest.fixture
def api(fleet: Fleet) -> FastAPI:
    return create_api(ports(fleet), "s3cret")


def warnings(**queues: QueueState) -> list[str]:
    return [line for lines in Overview(queues, ()).warnings.values() for line in lines]


def test_queues_are_lengths_by_name(api: FastAPI) -> None:
    assert ask(api, "GET", "/api/v1/workers/queues").json() == {"labeling": 30, "training": 0}


def test_health_has_the_seeds_shape(api: FastAPI) -> None:
    assert ask(api, "GET", "/api/v1/workers/health").json() == {
        "status": "degraded",
        "workers_connected": 2,
        "total_queued": 30,
        "total_active": 1,
        "queues": {
            "labeling": {"pending": 30, "status": "warning"},
            "training": {"pending": 0, "status": "ok"},
        },
        "warnings": ["queue labeling: 30 waiting, the oldest for 16 minutes"],
    }


def test_a_fleet_without_trouble_is_healthy(api: FastAPI, fleet: Fleet) -> None:
    fleet.states = {"labeling": queue_state(4)}

    told = ask(api, "GET", "/api/v1/workers/health").json()

    assert (told["status"], told["warnings"]) == ("healthy", [])


def test_active_names_each_workers_tasks(api: FastAPI) -> None:
    told = ask(api, "GET", "/api/v1/workers/active").json()

    assert told["worker-labeling@other"] == []
    (task,) = told["worker-labeling@pod"]
    assert (task["id"], task["name"], task["queue"]) == ("t1", LABEL, "labeling")
    assert 7 <= task["running_seconds"] < 60


def test_stats_tell_of_each_worker(api: FastAPI) -> None:
    told = ask(api, "GET", "/api/v1/workers/stats").json()["worker-labeling@pod"]

    assert 60 <= told.pop("uptime_seconds") < 120
    assert told == {
        "worker": "labeling",
        "pid": 7,
        "pool": "prefork",
        "concurrency": 4,
        "queues": ["labeling"],
        "active": 1,
        "processed": 12,
        "rss_mib": 200.0,
        "draining": False,
    }


def test_the_overview_holds_what_the_page_shows(api: FastAPI, fleet: Fleet) -> None:
    fleet.states["training"] = queue_state(2, oldest_s=1.04, dead_letters=3)
    fleet.minutes = {"labeling": (Minute(1_000_000_020, 5, 0.5, 2.0),)}

    told = ask(api, "GET", "/api/v1/fleet/overview").json()

    training = told["queues"]["training"]
    assert (training["oldest_wait_seconds"], training["dead_letters"]) == (1.0, 3)
    assert (training["alert_pending"], training["alert_minutes"]) == (25, 15)
    minute = {"at": 1_000_000_020, "tasks": 5, "p50_seconds": 0.5, "p95_seconds": 2.0}
    assert told["waits"] == {"labeling": [minute]}
    assert told["health"]["status"] == "degraded"
    assert set(told["workers"]) == {"worker-labeling@pod", "worker-labeling@other"}


def test_a_backlog_needs_both_its_length_and_its_time() -> None:
    assert warnings(q=queue_state(25, oldest_s=MINUTES_16_S)) == []
    assert warnings(q=queue_state(26, oldest_s=899.0)) == []
    assert warnings(q=queue_state(26)) == []
    assert warnings(q=queue_state(26, oldest_s=901.0)) == [
        "queue q: 26 waiting, the oldest for 15 minutes"
    ]


def test_messages_without_a_worker_are_told_once_one_should_have_come() -> None:
    assert warnings(q=queue_state(1, oldest_s=119.0, workers=0)) == []
    assert warnings(q=queue_state(0, workers=0)) == []
    assert warnings(q=queue_state(90, oldest_s=7300.0, workers=0)) == [
        "queue q: no worker is connected, 90 waiting, the oldest for 2 hours"
    ]


def test_a_lost_workers_tasks_and_dead_letters_are_told() -> None:
    lost, dead = warnings(q=queue_state(in_flight=2, workers=0), r=queue_state(dead_letters=3))

    assert lost.startswith("queue q: 2 in flight, and no worker is connected")
    assert dead == "queue r: 3 in dead letters, to be looked at"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "0 seconds"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours")],
)
def test_a_time_is_told_in_the_unit_that_says_enough(seconds: float, told: str) -> None:
    assert span(seconds) == told
