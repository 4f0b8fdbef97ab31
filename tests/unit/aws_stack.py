"""A small stack on AWS for the tests of what the operator asks of an account."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.loaders import create_loader

from fleet.aws import doctor
from fleet.aws.finding import Finding
from infra.models.fleet import FleetConfig
from infra.models.queue_class import merged

REGION = "eu-central-1"
SECRET = "a-made-up-secret-key"
_LOADER = create_loader()
_STACK: dict[str, Any] = {
    "tier": "prod",
    "namespace": "fleet-prod",
    "region": REGION,
    "image": f"registry.example/worker@sha256:{'0' * 64}",
    "cluster": {"kind": "eks", "version": "1.36", "publicAccessCidrs": ["198.18.0.0/24"]},
    "broker": {"kind": "elasticache", "version": "8.1", "nodeType": "cache.m7g.large"},
    "alarms": {"emails": ["ops@fleet.test"], "monthlyBudgetUsd": 3000},
    "nodeGroups": {
        "cpu": {
            "nodes": 2,
            "maxNodes": 6,
            "cpu": 3,
            "memoryMiB": 14000,
            "instanceType": "m7i.xlarge",
        },
        "gpu": {
            "nodes": 0,
            "maxNodes": 4,
            "cpu": 3,
            "memoryMiB": 14000,
            "gpu": 1,
            "instanceType": "g5.xlarge",
            "taints": [{"key": "nvidia.com/gpu", "value": "present"}],
        },
    },
    "queues": {"default": {}, "training": {"class": "gpu"}},
    "workers": {"default": {}, "training": {"nodeGroup": "gpu", "resources": {"gpu": 1}}},
}


def log_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away whatever this machine would let the AWS SDK find."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    nowhere = str(Path(__file__).with_name("no-such-file"))
    monkeypatch.setenv("AWS_CONFIG_FILE", nowhere)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up credentials, and none of the machine's own."""
    log_out(monkeypatch)
    # Each session would read the services' descriptions, megabytes of JSON, again.
    monkeypatch.setattr("botocore.session.create_loader", lambda _: _LOADER)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMADEUP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def aws_stack(**changes: Any) -> FleetConfig:
    """The stack with some of its keys, as in the stack file, set otherwise."""
    return FleetConfig.model_validate(merged(_STACK, changes))


def write_stack_file(path: Path, **changes: Any) -> None:
    """The stack as a stack file."""
    stated = merged(_STACK, changes)
    region = stated.pop("region")
    config = {"aws:region": region, **{f"celery-fleet:{k}": v for k, v in stated.items()}}
    path.write_text(yaml.safe_dump({"config": config}))


def bad(found: Iterable[Finding]) -> list[str]:
    """Each shortfall with its remedy, as text."""
    return [f"{one.subject}: {one.problem} | {one.mend}" for one in found if one.state == "BAD"]


def hints(found: Iterable[Finding]) -> list[str]:
    """Each hint, as text."""
    return [f"{one.subject}: {one.problem}" for one in found if one.state == "hint"]


def examined(**changes: Any) -> list[tuple[str, Finding]]:
    """What the preflight finds about the stack."""
    fleet = aws_stack(**changes)
    assert fleet.region is not None
    return list(doctor.examine("prod", fleet, fleet.region, lambda _: None))


def shortfalls(found: Iterable[tuple[str, Finding]]) -> dict[str, str]:
    """The last shortfall of each check by title, with its remedy, as text."""
    return {title: told for title, one in found for told in bad([one])}
