"""Bases as they state themselves and as they told once they were up, and previews beside them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from fleet.previews.naming import preview_name
from fleet.previews.stack_file import Base, Wish, preview_config
from infra.config import load_file
from infra.models.base_contract import base_contract
from infra.models.fleet import FleetConfig
from infra.models.preview import PreviewSpec
from tests.unit.recorder import ROOT, Recorder, render

DIGEST = f"sha256:{'0' * 64}"
CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXPIRES = datetime(2026, 3, 3, 12, tzinfo=UTC)
BRANCH = "feature/Scrape-faster"
NAME = preview_name(BRANCH)

LOCAL: dict[str, Any] = {
    "version": 1,
    "region": None,
    "tier": "local",
    "namespace": "celery-fleet-local",
    "cluster": {"name": "rehearsal", "kubeconfig": None},
    "storageClass": "rehearsal",
    "nodeGroups": ["cpu", "gpu"],
    "broker": {
        "host": None,
        "port": None,
        "secret": "celery-fleet-local/broker",
        "keyPrefix": "",
        "authority": "secret",
    },
    "images": {"cpu": "celery-fleet/worker:local", "gpu": "celery-fleet/worker:local"},
}
STAGING: dict[str, Any] = {
    **LOCAL,
    "region": "us-east-1",
    "tier": "staging",
    "namespace": "imagineer-staging",
    "cluster": {"name": "imagineer-staging", "kubeconfig": "{}"},
    "storageClass": "fleet-shared",
    "broker": {
        "host": "master.broker.test",
        "port": 6379,
        "secret": "imagineer-staging/broker",
        "keyPrefix": "staging:",
        "authority": "system",
        "engine": "valkey",
        "userGroup": "imagineer-staging-users",
    },
    "images": {"cpu": f"registry.test/worker@{DIGEST}", "gpu": f"registry.test/worker@{DIGEST}"},
}
_FILES = {"local": "stacks/imagineer.yaml", "staging": "Pulumi.staging.yaml"}
_TOLD = {"staging": STAGING}


def raw_of(path: Path) -> dict[str, Any]:
    config = yaml.safe_load(path.read_text())["config"]
    own = "celery-fleet:"
    return {k.removeprefix(own): value for k, value in config.items() if k.startswith(own)}


def base(stack: str, told: dict[str, Any] | None = None, **changes: Any) -> Base:
    """A base, with keys of its stack file replaced; None takes one out.

    It is staging, local or one of `stacks/`, which tells what local does.
    """
    path = ROOT / _FILES.get(stack, f"stacks/{stack}.yaml")
    whole = {key: v for key, v in {**raw_of(path), **changes}.items() if v is not None}
    region = load_file(path).region
    config = FleetConfig.model_validate({**whole, "region": region})
    return Base(stack, whole, config, base_contract(stack, told or _TOLD.get(stack, LOCAL)))


def wish(**changes: Any) -> Wish:
    given = {"name": NAME, "branch": BRANCH, "commit": "0" * 40}
    times = {"created_at": CREATED, "expires_at": EXPIRES, "branch_seen_at": CREATED}
    return Wish(**{**given, **times, **changes})


def preview(stack: str, asked: Wish | None = None, **changes: Any) -> FleetConfig:
    """A preview's stack file, as the program reads it."""
    return FleetConfig.model_validate(preview_config(base(stack, **changes), asked or wish()))


class Telling:
    """A stand-in for a state backend: one stack, or none, tells its marks."""

    def __init__(self, told: PreviewSpec | None = None) -> None:
        self.told = told.model_dump(mode="json", by_alias=True) if told else None

    def output(self, _stack: str, _name: str) -> Any:
        return self.told


class Beside(Recorder):
    """A mock engine with a base in its backend."""

    def __init__(self, told: object) -> None:
        super().__init__()
        self.told = told

    def new_resource(self, args: Any) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            self.resources.append(args)
            return args.name, {**args.inputs, "outputs": {"base": self.told}}
        identity, outputs = super().new_resource(args)
        if args.typ == "random:index/randomPassword:RandomPassword":
            return identity, {**outputs, "result": f"drawn-{args.name}"}
        return identity, outputs


def rendered(config: FleetConfig, told: object = None) -> Recorder:
    return render(config, Beside(LOCAL if told is None else told))
