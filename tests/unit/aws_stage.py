"""Stacks on AWS, rendered whole on a mock engine that also keeps what the engine is told."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, set_mocks, test
from pulumi.runtime.mocks import MockMonitor

from infra.config import load_file
from infra.models.fleet import FleetConfig
from infra.program import deploy
from tests.unit.recorder import ROOT, Recorder

ACCOUNT = "123456789012"
REGION = "us-east-1"


# How Pulumi's protocol marks a secret (sdk/go/common/resource/sig).
_MARK = "4dabf18193072939515e22adb298388d"


def opened(value: Any) -> Any:
    """A value with its secrets laid open."""
    if isinstance(value, dict):
        if _MARK in value:
            return opened(value["value"])
        return {key: opened(inner) for key, inner in value.items()}
    return [opened(inner) for inner in value] if isinstance(value, list) else value


def told(value: Any) -> Any:
    """A value as the state shows it to anyone: secrets are left out."""
    if isinstance(value, dict):
        return None if _MARK in value else {key: told(inner) for key, inner in value.items()}
    return [told(inner) for inner in value] if isinstance(value, list) else value


@dataclass
class Registered:
    """A resource as the engine sees it."""

    urn: str
    typ: str
    name: str
    inputs: dict[str, Any]
    needs: set[str]
    protect: bool
    ignored: tuple[str, ...]
    custom: bool
    provider: str


@dataclass
class Engine(MockMonitor):
    """The mock engine, with options and dependencies of every resource kept."""

    registered: list[Registered] = field(default_factory=list)

    def __init__(self, mocks: Recorder) -> None:
        super().__init__(mocks)
        self.registered = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the engine's own name
        answer = super().RegisterResource(request)
        mocks: Any = self.mocks
        made = (r for r in mocks.resources if (r.typ, r.name) == (request.type, request.name))
        known = next(made).inputs if request.type != "pulumi:pulumi:Stack" else {}
        self.registered.append(
            Registered(
                urn=answer.urn,
                typ=request.type,
                name=request.name,
                inputs=known,
                needs={*request.dependencies, *([request.parent] if request.parent else [])},
                protect=bool(request.protect),
                ignored=tuple(request.ignoreChanges),
                custom=bool(request.custom),
                provider=request.provider,
            )
        )
        return answer


class AwsRecorder(Recorder):
    """Answers with what AWS adds to a resource: ARNs, endpoints, names of groups."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        identity, outputs = super().new_resource(args)
        if not args.typ.startswith(("aws:", "random:", "docker-build:")):
            return identity, outputs
        service = args.typ.split(":")[1].split("/")[0]
        arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{args.name}"
        return identity, {"arn": arn, "name": args.name, **outputs, **_made(args)}

    def call(self, args: MockCallArgs) -> Any:
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            return {"accountId": ACCOUNT, "arn": "a", "userId": "u", "id": "i"}
        return super().call(args)


def _made(args: MockResourceArgs) -> dict[str, Any]:  # noqa: PLR0911 - a table
    """Outputs that other resources are made of, by type."""
    match args.typ.rsplit(":", 1)[1]:
        case "Cluster":
            return {
                "arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{args.inputs['name']}",
                "endpoint": "https://cluster.test",
                "certificateAuthority": {"data": "Q0E="},
                "vpcConfig": {**args.inputs["vpcConfig"], "clusterSecurityGroupId": "sg-cluster"},
            }
        case "NodeGroup":
            return {"resources": [{"autoscalingGroups": [{"name": f"eks-{args.name}"}]}]}
        case "LaunchTemplate":
            return {"latestVersion": 1}
        case "ReplicationGroup":
            return {"primaryEndpointAddress": "master.broker.test"}
        case "RandomPassword":
            return {"result": f"drawn-{args.name}"}
        case "Repository":
            return {"repositoryUrl": f"registry.test/{args.inputs['name']}"}
        case "Image":
            return {"ref": f"registry.test/{args.name}@sha256:{'0' * 64}"}
        case _:
            return {}


@dataclass(frozen=True)
class Rendered:
    """One stack's resources."""

    config: FleetConfig
    resources: list[Registered]
    outputs: dict[str, Any]
    """What the stack exports, a secret one marked as in the state."""

    def of(self, kind: str) -> dict[str, Registered]:
        """Resources by name whose type ends in `kind`: `Vpc`, `helm.sh/v3:Release`."""
        return {r.name: r for r in self.resources if r.typ.endswith(f":{kind}")}

    def one(self, kind: str) -> Registered:
        found = self.of(kind)
        assert len(found) == 1, (kind, list(found))
        return next(iter(found.values()))

    def before(self, urn: str) -> set[str]:
        """URNs of all that must be there before, and so goes after."""
        by_urn = {r.urn: r for r in self.resources}
        seen: set[str] = set()
        todo = [urn]
        while todo:
            for need in by_urn[todo.pop()].needs - seen:
                seen.add(need)
                todo += [need] if need in by_urn else []
        return seen

    def aws(self) -> Iterator[Registered]:
        return (r for r in self.resources if r.typ.startswith("aws:"))


@cache
def stack(name: str) -> Rendered:
    """`prod` or `staging` as committed, rendered once."""
    return rendered(load_file(ROOT / f"Pulumi.{name}.yaml"))


def changed(name: str, **changes: Any) -> FleetConfig:
    """A committed stack with top-level fields replaced, and all rules applied again."""
    raw = load_file(ROOT / f"Pulumi.{name}.yaml").model_dump(by_alias=True)
    return FleetConfig.model_validate({**raw, **changes})


def rendered(config: FleetConfig, recorder: AwsRecorder | None = None) -> Rendered:
    recorder = recorder or AwsRecorder()
    engine = Engine(recorder)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    set_mocks(recorder, project="celery-fleet", stack="test", monitor=engine)

    exported: dict[str, asyncio.Future[tuple[Any, bool]]] = {}

    @test
    def program() -> None:
        outputs = deploy(config, pulumi.Output.secret("token"))
        for each in fields(outputs):
            if (value := getattr(outputs, each.name)) is not None:
                exported[each.name] = asyncio.ensure_future(_known(value))

    program()
    values = {name: loop.run_until_complete(future) for name, future in exported.items()}
    loop.close()
    asyncio.set_event_loop(None)
    urns = [resource.urn for resource in engine.registered]
    assert len(urns) == len(set(urns)), "two resources have one name"
    outputs = {n: {_MARK: "", "value": v} if secret else v for n, (v, secret) in values.items()}
    # The mock engine tells of the stack itself in a process's first run only.
    made = [resource for resource in engine.registered if resource.typ != "pulumi:pulumi:Stack"]
    return Rendered(config, made, outputs)


async def _known(value: Any) -> tuple[Any, bool]:
    output = pulumi.Output.from_input(value)
    return await output.future(), await output.is_secret()
