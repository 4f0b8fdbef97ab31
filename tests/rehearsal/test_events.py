"""Events of the image's workers, as people watch them: `celery events`."""

import pytest

from tests.rehearsal.worker_fleet import Fleet, create, eventually, result

pytestmark = pytest.mark.rehearsal


@pytest.mark.parametrize("prefix", ["", "pr-7:"])
def test_celery_events_hears_workers_and_tasks(fleet: Fleet, prefix: str) -> None:
    fleet.settings["keyPrefix"] = prefix
    api = fleet.api()
    fleet.launch("events", "--dump", command="events")
    fleet.worker("default", "--task-events")
    eventually(lambda: "worker-default@pod" in fleet.log("events").read_text())

    task = create(api, "canary.work", "default", seconds=0)
    assert result(api, task)["status"] == "completed"

    def heard() -> list[str]:
        told = fleet.log("events").read_text().splitlines()
        return [line for line in told if "task succeeded" in line and task in line]

    assert eventually(heard)
    assert "dropped" not in fleet.log("events").read_text()
