"""A mock engine that keeps what the program declares; it echoes inputs and proves no more."""

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks, test

from infra.config import load_file
from infra.models.fleet import FleetConfig
from infra.program import deploy

ROOT = Path(__file__).resolve().parents[2]
IMAGINEER = ROOT / "stacks" / "imagineer.yaml"
CONNECTION = {
    "host": "127.0.0.1",
    "port": "6380",
    "username": "fleet",
    "password": "p/w:d",
    "ca.crt": "CA",
}


@dataclass
class Recorder(Mocks):
    """Every registered resource, and the connection secret that the platform publishes."""

    connection: dict[str, str] = field(default_factory=lambda: dict(CONNECTION))
    resources: list[MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(args)
        if args.name.startswith("connection"):
            data = {k: b64encode(v.encode()).decode() for k, v in self.connection.items()}
            return args.resource_id, {"data": data}
        return f"{args.name}-id", args.inputs

    def call(self, args: MockCallArgs) -> Any:
        raise AssertionError(f"unexpected call of {args.token}")

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs by object name of every Kubernetes object of the kind."""
        found = (r for r in self.resources if r.inputs.get("kind") == kind)
        return {r.inputs["metadata"]["name"]: r.inputs for r in found}


def render(config: FleetConfig, recorder: Recorder | None = None, given: str = "token") -> Recorder:
    """Run the program on the mock engine to its end."""
    recorder = recorder or Recorder()
    # Its own loop, whatever earlier tests did with the thread's.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    set_mocks(recorder, project="celery-fleet", stack="test")

    @test
    def program() -> None:
        deploy(config, pulumi.Output.secret(given))

    program()
    loop.close()
    asyncio.set_event_loop(None)
    return recorder


def imagineer(**changes: Any) -> FleetConfig:
    """Imagineer's stack, with top-level fields replaced and all rules applied again."""
    raw = load_file(IMAGINEER).model_dump(by_alias=True)
    return FleetConfig.model_validate({**raw, **changes})
