"""The image's real programs refuse settings that lose tasks, wherever they come from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.worker_fleet import TOKEN, Broker, Fleet, Processes, certify, free_port

pytestmark = pytest.mark.rehearsal

ELSEWHERE = {"CELERY_BROKER_WRITE_URL": "redis://:s3cret@127.0.0.1:1/0"}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose broker need not run: its programs look at their settings first."""
    certify(tmp_path, "broker")
    broker = Broker(tmp_path, free_port(), Processes(tmp_path))
    fleet = Fleet(tmp_path, broker, Processes(Path.cwd()))
    yield fleet
    fleet.stop()


@pytest.mark.parametrize(
    ("options", "env", "told"),
    [
        (["--purge"], {}, "option purge is True, it must be False or None: every message"),
        (["--autoscale=4,1"], {}, "option autoscale is (4, 1), it must be None"),
        (["--prefetch-multiplier=4"], {}, "worker_prefetch_multiplier is 4, the stack declares 1"),
        (["task.track_started=1"], {}, "task_track_started is True, it must be False"),
        ([], {"REMAP_SIGTERM": "SIGQUIT"}, "REMAP_SIGTERM is set: every scale-in would be"),
        ([], ELSEWHERE, "broker_write_url (or CELERY_BROKER_WRITE_URL) is not CELERY_BROKER_URL"),
    ],
)
def test_a_worker_that_would_lose_tasks_says_why_and_nothing_else(
    fleet: Fleet, options: list[str], env: dict[str, str], told: str
) -> None:
    worker = fleet.launch("labeling", "--queues=labeling", *options, **env)

    assert worker.wait(timeout=15) == 1
    first, *reasons = fleet.log("labeling").read_text().splitlines()
    assert first == "worker_image cannot start:"
    assert len(reasons) == 1
    assert reasons[0].startswith(told)
    assert "s3cret" not in reasons[0]


def test_beat_that_would_send_to_another_broker_does_not_start(fleet: Fleet) -> None:
    beat = fleet.launch("beat", command="beat", **ELSEWHERE)

    assert beat.wait(timeout=15) == 1
    assert "broker_write_url (or CELERY_BROKER_WRITE_URL) is not" in fleet.log("beat").read_text()


def test_an_api_that_would_send_to_another_broker_does_not_start(fleet: Fleet) -> None:
    command = ("uvicorn", "worker_image.api:app", "--port=1")
    env = {**fleet.env, "FLEET_API_TOKEN": TOKEN, **ELSEWHERE}
    api = fleet.processes.start(fleet.log("api"), *command, **env)

    assert api.wait(timeout=15) == 1
    assert "broker_write_url (or CELERY_BROKER_WRITE_URL) is not" in fleet.log("api").read_text()
