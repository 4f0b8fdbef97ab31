"""Stacks rendered as pods and the walls around them, for tests of network policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from infra.config import load_file
from infra.models.fleet import FleetConfig
from tests.unit import aws_stage
from tests.unit.network_flows import Pod, Walls
from tests.unit.recorder import ROOT, Recorder, render

KIND = "NetworkPolicy"
METRICS = 9808
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
PROMETHEUS = Pod("monitoring", {"app.kubernetes.io/name": "prometheus"})
STRANGER = Pod("shop", {"app": "shop"})
METADATA = ("169.254.169.254", "fd00:ec2::254")


@dataclass(frozen=True)
class Fleet:
    """A stack's pods by Deployment, and the walls around them."""

    config: FleetConfig
    pods: Mapping[str, Pod]
    walls: Walls

    @property
    def namespace(self) -> str:
        return self.config.namespace


def fleet_of(config: FleetConfig, objects: list[dict[str, Any]]) -> Fleet:
    pods = {
        each["metadata"]["name"]: Pod(config.namespace, labels(each))
        for each in objects
        if each["kind"] == "Deployment"
    }
    return Fleet(config, pods, Walls([each for each in objects if each["kind"] == KIND]))


def labels(deployment: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found


def rendered(config: FleetConfig, **connection: str) -> Fleet:
    recorder = Recorder()
    recorder.connection.update(connection)
    found = render(config, recorder)
    return fleet_of(config, [r.inputs for r in found.resources if r.inputs.get("kind")])


def on_aws(found: aws_stage.Rendered) -> Fleet:
    whole = [aws_stage.opened(each.inputs) for each in found.resources if each.inputs.get("kind")]
    return fleet_of(found.config, [each for each in whole if "metadata" in each])


@cache
def committed(name: str) -> Fleet:
    if name in {"prod", "staging"}:
        return on_aws(aws_stage.stack(name))
    return rendered(load_file(ROOT / "stacks" / f"{name}.yaml"))
