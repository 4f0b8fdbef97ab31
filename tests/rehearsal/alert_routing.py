"""Routes of stacks as a file, and an Alertmanager of one's own that reads it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from infra.alerts.routes import routing
from infra.config import load_file
from infra.manifests.alertmanager_file import routes_file
from infra.manifests.prometheus_rule import prometheus_rule
from infra.models.fleet import FleetConfig
from infra.models.tier import TIERS
from tests.rehearsal.worker_fleet import eventually, free_port

Labels = dict[str, str]
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
KEYS = ("pagerduty", "slack", "webhook")


def in_secret(key: str) -> dict[str, str]:
    return {"secret": "alert-receivers", "key": key}


PAGER = {"kind": "pagerduty", "routingKey": in_secret("pagerduty")}
SLACK = {"kind": "slack", "url": in_secret("slack"), "channel": "#fleet"}
WEBHOOK = {"kind": "webhook", "url": in_secret("webhook")}
SNS = {"kind": "sns", "topicArn": TOPIC}


def told(path: Path, **receivers: list[Any]) -> FleetConfig:
    """A stack with these receivers; with every kind of them, where none is named."""
    raw = load_file(path).model_dump(by_alias=True)
    every = {"ticket": [SLACK, WEBHOOK, SNS]}
    if TIERS[raw["tier"]].pages:
        every["page"] = [PAGER, SLACK, WEBHOOK, SNS]
    raw["monitoring"]["receivers"] = receivers or every
    return FleetConfig.model_validate(raw)


def alerts(config: FleetConfig) -> list[Labels]:
    """The labels of each rule's alert, its name among them."""
    groups = prometheus_rule(config, "prod")["groups"]
    return [{"alertname": r["alert"], **r["labels"]} for g in groups for r in g["rules"]]


def write(config: FleetConfig, folder: Path) -> Path:
    """The file, and the secrets that it reads, in a folder."""
    secrets = folder / "alert-receivers"
    secrets.mkdir(parents=True, exist_ok=True)
    for key in KEYS:
        (secrets / key).write_text("https://receiver.test/made-up")
    path = folder / "alertmanager.yaml"
    path.write_text(routes_file(routing(config, TOPIC), PurePosixPath(folder)))
    return path


def named(one: Labels) -> str:
    """An alert as tests call it."""
    words = ("alertname", "level", "pull", "queue", "worker", "node_group", "exporter", "schedule")
    return " ".join(one[word] for word in words if word in one)


@dataclass(frozen=True)
class Alertmanager:
    """A running one, by its API."""

    url: str

    def post(self, *firing: Labels, ends_in_s: float = 600) -> None:
        """Say that these alerts fire until then; 0 ends them."""
        now = datetime.now(UTC)
        until = now + timedelta(seconds=ends_in_s)
        body = [
            {
                "labels": one,
                "annotations": {
                    "summary": f"summary of {one['alertname']}",
                    "description": "described",
                    "runbook_url": f"docs/runbooks/{one['alertname']}.md",
                },
                # Of one that began a group's wait ago, Alertmanager would tell at once.
                "startsAt": now.isoformat(),
                "endsAt": until.isoformat(),
            }
            for one in firing
        ]
        httpx.post(f"{self.url}/api/v2/alerts", json=body).raise_for_status()

    def inhibited(self) -> dict[str, bool]:
        """Each alert that fires, and whether another one silences it."""
        return {
            named(each["labels"]): bool(each["status"]["inhibitedBy"])
            for each in httpx.get(f"{self.url}/api/v2/alerts").raise_for_status().json()
        }

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready").is_success
        except httpx.TransportError:
            return False


@contextmanager
def alertmanager(program: Path, config: Path, folder: Path) -> Iterator[Alertmanager]:
    """Run one on loopback, without peers."""
    port = free_port()
    log = (folder / "alertmanager.log").open("w")
    process = subprocess.Popen(
        [
            program,
            f"--config.file={config}",
            f"--storage.path={folder / 'storage'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        running = Alertmanager(f"http://127.0.0.1:{port}")
        eventually(running.ready)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=15)
        log.close()
