"""What starts of the image's real processes, and what must not: workers, two beats, the API."""

import signal
import time

import pytest
import redis

from tests.rehearsal.broker_contents import lengths, make_due
from tests.rehearsal.worker_fleet import (
    Broker,
    Fleet,
    certify,
    create,
    eventually,
    free_port,
    result,
)

pytestmark = pytest.mark.rehearsal


@pytest.mark.timeout(180)
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
