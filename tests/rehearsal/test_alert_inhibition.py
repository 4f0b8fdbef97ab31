"""A real Alertmanager tells of causes and not of their symptoms, in words that help."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rehearsal.toolchain import MonitoringTools
from tests.rehearsal.alert_routing import (
    SLACK,
    WEBHOOK,
    Alertmanager,
    Labels,
    alertmanager,
    alerts,
    named,
    told,
    write,
)
from tests.rehearsal.worker_fleet import eventually

pytestmark = pytest.mark.rehearsal

PROD = told(Path(__file__).resolve().parents[2] / "Pulumi.prod.yaml")
QUEUES = ("default", "training", "scraping", "labeling")
COUNTED = {
    "CeleryQueueBacklog",
    "CeleryQueueStalled",
    "CeleryQueueUnserved",
    "CeleryCampaignIdle",
    "CeleryListUnowned",
    "CeleryWorkerAtMaximum",
}
LATE = {"CeleryQueueWaitFastBurn", "CeleryQueueWaitSlowBurn"}
# What is silent while the first fires: names, and the labels that have to be as its own.
SILENT: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "RedisDown": (
        COUNTED
        | LATE
        | {
            "CeleryQueueFailures",
            "CeleryQueueRedeliveries",
            "CeleryJanitorSilent",
            "CeleryBeatAbsent",
            "CeleryScheduleNotSent",
            "KedaScalerErrors",
            "KedaScalerSlow",
        },
        (),
    ),
    "CeleryJanitorSilent": (COUNTED, ()),
    "CeleryBeatAbsent": ({"CeleryScheduleNotSent"}, ()),
    "CeleryQueueUnserved scraping": (LATE | {"CeleryQueueBacklog"}, ("queue",)),
    "CeleryQueueStalled scraping": (LATE | {"CeleryQueueBacklog"}, ("queue",)),
    "CeleryQueueWaitFastBurn labeling": ({"CeleryQueueWaitSlowBurn"}, ("queue",)),
    "KedaScalerErrors training": ({"KedaScalerSlow"}, ("worker",)),
    "RedisMemory full": ({"RedisMemory high"}, ()),
    "ImagePull failing gpu": ({"ImagePull slow"}, ("node_group",)),
    "ExporterDown worker-labeling": ({"CeleryCampaignIdle labeling"}, ()),
    "RedisEvictions": (set(), ()),
    "NodeGroupCannotLaunch gpu": (set(), ()),
}


@pytest.fixture
def running(monitoring_tools: MonitoringTools, tmp_path: Path) -> Iterator[Alertmanager]:
    with alertmanager(monitoring_tools.alertmanager, write(PROD, tmp_path), tmp_path) as found:
        yield found


def symptoms(cause: Labels) -> set[str]:
    """What the table says is silent while one alert fires."""
    names, equal = SILENT[named(cause)]
    return {
        named(one)
        for one in alerts(PROD)
        if any(f"{named(one)} ".startswith(f"{name} ") for name in names)
        and all(one.get(label) == cause.get(label) for label in equal)
    }


@pytest.mark.parametrize("name", SILENT)
def test_while_a_cause_fires_its_symptoms_are_silent_and_nothing_else(
    running: Alertmanager, name: str
) -> None:
    every = {named(one): one for one in alerts(PROD)}
    cause, wanted = every[name], symptoms(every[name])
    others = [one for one in every.values() if one["alertname"] != cause["alertname"]]
    # A further cause would silence symptoms of its own: each of those is looked at alone.
    causes = {each.split(maxsplit=1)[0] for each in SILENT}
    alone = [one for one in others if one["alertname"] in causes]
    batch = [one for one in others if one not in alone]
    batch += [every[each] for each in wanted if every[each]["alertname"] == cause["alertname"]]

    running.post(cause, *batch)
    settled(running, {named(one): named(one) in wanted for one in (cause, *batch)})
    running.post(*batch, ends_in_s=0)
    for one in alone:
        running.post(one)
        # The cause may have causes of its own among them.
        settled(running, {named(one): named(one) in wanted}, but=named(cause))
        running.post(one, ends_in_s=0)


def settled(running: Alertmanager, wanted: dict[str, bool], but: str = "") -> None:
    """Wait until exactly these alerts fire, each silenced or not, and stay so."""

    def found() -> dict[str, bool]:
        return {name: silent for name, silent in running.inhibited().items() if name != but}

    try:
        eventually(lambda: found() == wanted, 5)
    except AssertionError:
        assert found() == wanted
    assert found() == wanted


class Posts(BaseHTTPRequestHandler):
    """A receiver that keeps what it is sent."""

    kept: list[tuple[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.kept.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Nothing: the test prints what matters."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    kept: list[tuple[str, Any]] = []
    handler = type("Kept", (Posts,), {"kept": kept})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", kept
    server.shutdown()
    server.server_close()


def test_one_page_arrives_for_a_broker_that_is_away_with_its_runbook(
    monitoring_tools: MonitoringTools,
    receiver: tuple[str, list[tuple[str, Any]]],
    tmp_path: Path,
) -> None:
    url, kept = receiver
    config = told(Path(__file__).resolve().parents[2] / "Pulumi.prod.yaml", page=[SLACK, WEBHOOK])
    path = write(config, tmp_path)
    for key in ("slack", "webhook"):
        (tmp_path / "alert-receivers" / key).write_text(f"{url}/{key}")
    # Seconds in place of half a minute.
    path.write_text(path.read_text().replace("group_wait: 30s", "group_wait: 1s"))
    every = {named(one): one for one in alerts(config)}
    firing = [every["RedisDown"], *(every[f"CeleryQueueBacklog {queue}"] for queue in QUEUES)]

    with alertmanager(monitoring_tools.alertmanager, path, tmp_path) as running:
        running.post(*firing)
        eventually(lambda: len(kept) >= 2, 20)
        # Longer than the group waits that the silenced ones would have had.
        time.sleep(2)

    assert sorted(path for path, _ in kept) == ["/slack", "/webhook"]
    told_by = dict(kept)
    (message,) = told_by["/slack"]["attachments"]
    assert message["title"] == "FIRING prod: RedisDown"
    assert "summary of RedisDown" in message["text"]
    assert "docs/runbooks/RedisDown.md" in message["text"]
    assert told_by["/slack"]["channel"] == "#fleet"
    assert {a["labels"]["alertname"] for a in told_by["/webhook"]["alerts"]} == {"RedisDown"}
