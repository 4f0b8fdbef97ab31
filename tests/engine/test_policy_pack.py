"""The real engine refuses what the pack refuses, by the rule's name, and passes what keeps it."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fleet.pipeline.comment import summary
from fleet.pipeline.engine import Pulumi
from rehearsal.toolchain import Tools
from tests.engine import aws_project
from tests.engine.control_plane import Cluster
from tests.engine.own_stack import as_rehearsal, own_stack
from tests.engine.project import Outcome, Project
from tests.policy.breaks import BREAKS, Break
from tests.policy.celery_stack import PREVIEW, PRODUCTION, Parts, parts, put
from tests.unit.recorder import ROOT

# The first run makes the pack's environment.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]
PACK = ROOT / "policy"
GIVEN = ROOT / "policies.json"
# Of a stack that is not there yet: images that are to be built, ids that AWS is to give.
UNKNOWN_AT_FIRST = {"image-by-digest", "iam-no-write-wildcards"}
UNKNOWN_MARK = "a value that only the update brings"
# By the engine's protocol alone: importing the providers' SDKs would take most of a preview.
PROGRAM = f"""
import functools
import json
from pathlib import Path

import pulumi


@functools.cache
def drawn():
    properties = {{"length": 20, "result": None}}
    made = pulumi.CustomResource(
        "random:index/randomPassword:RandomPassword", "drawn", properties
    )
    return pulumi.get(made, "result")


def known(value):
    if value == {UNKNOWN_MARK!r}:
        return drawn()
    if isinstance(value, dict):
        return {{key: known(inner) for key, inner in value.items()}}
    return [known(inner) for inner in value] if isinstance(value, list) else value


for each in json.loads(Path(__file__).with_name("stack.json").read_text()):
    pulumi.CustomResource(
        each["type"],
        each["name"],
        known(each["properties"]),
        pulumi.ResourceOptions(protect=each["protect"]),
    )
"""


@dataclass(frozen=True)
class Judged:
    """A project whose stacks are previewed under the pack."""

    project: Project

    def preview(
        self,
        given: Parts,
        stack: str = PRODUCTION,
        *,
        protect: bool = True,
        config: dict[str, Any] | None = None,
    ) -> Outcome:
        pack = self.write(given, protect=protect, config=config)
        return self.project.run("preview", "--stack", stack, *pack)

    def write(
        self, given: Parts, *, protect: bool = True, config: dict[str, Any] | None = None
    ) -> tuple[str, ...]:
        """Write the stack and the pack's settings; return the options that name the pack."""
        listed = [
            {"type": kind, "name": name, "properties": properties, "protect": protect}
            for name, (kind, properties) in given.items()
        ]
        (self.project.root / "infra/stack.json").write_text(json.dumps(listed))
        settings = self.project.root / "policy.json"
        settings.write_text(json.dumps(config or {}))
        return ("--policy-pack", str(PACK), "--policy-pack-config", str(settings))


@pytest.fixture(scope="module")
def judged(
    tools: Tools, plugin_folder: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judged]:
    """The pack in its own environment, as `make policy` makes it, and stacks of two tiers."""
    subprocess.run([ROOT / ".ci/policy-venv"], check=True)
    root = tmp_path_factory.mktemp("policy") / "project"
    with aws_project.running() as aws:
        made = aws_project.on_aws(root, tools, plugin_folder, aws.endpoint)
        reached = {**made.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        project = replace(made, environ=reached)
        project.write(PROGRAM)
        for stack in (PRODUCTION, PREVIEW):
            project.succeed("stack", "init", stack)
        yield Judged(project)


@pytest.mark.parametrize("stack", [PRODUCTION, PREVIEW])
def test_a_stack_that_keeps_every_rule_is_previewed(judged: Judged, stack: str) -> None:
    outcome = judged.preview(parts(stack), stack)

    assert outcome.code == 0, outcome.output
    assert "celery@v0.1.0" in outcome.output
    assert "mandatory" not in outcome.output
    assert "advisory" not in outcome.output


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_our_own_stacks_keep_every_rule(
    judged: Judged, cluster: Cluster, tmp_path: Path, stack: str
) -> None:
    project = own_stack(tmp_path / "own", stack, judged.project, as_rehearsal(cluster, tmp_path))

    given = ("--policy-pack", str(PACK), "--policy-pack-config", str(GIVEN))
    outcome = project.run("preview", "--stack", stack, *given)

    assert outcome.code == 0, outcome.output
    assert "celery@v0.1.0" in outcome.output
    assert "[mandatory]" not in outcome.output
    advised = set(re.findall(r"\[advisory\].* ([a-z-]+)  \(", outcome.output))
    assert advised <= UNKNOWN_AT_FIRST, outcome.output


def around(case: Break) -> Parts:
    """The part of the stack that one provider makes: each provider takes its time to start."""
    whole = parts(case.stack)
    provider = whole[case.path.split("/")[0]][0].split(":")[0] if case.path else "aws"
    return {name: part for name, part in whole.items() if part[0].startswith(f"{provider}:")}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule) for case in BREAKS])
def test_a_broken_stack_is_refused_by_the_rules_name(judged: Judged, case: Break) -> None:
    given = around(case)
    if case.path:
        put(given, case.path, case.value)

    # Those that only advise unless one asks for more are asked for more.
    config = {case.rule: {"enforcementLevel": "mandatory", **case.settings}}
    outcome = judged.preview(given, case.stack, protect=case.protect, config=config)

    assert outcome.code != 0, outcome.output
    assert re.search(rf"\[mandatory\].* {case.rule}(?![\w-])", outcome.output), outcome.output
    assert case.says in " ".join(outcome.output.split())


def test_a_value_that_only_the_update_brings_is_told_and_refuses_nothing(judged: Judged) -> None:
    given = parts()
    put(given, "mailer/spec/template/spec/containers/0/image", UNKNOWN_MARK)
    put(given, "mailer-scaler/spec/scaleTargetRef/name", UNKNOWN_MARK)

    outcome = judged.preview(given)

    assert outcome.code == 0, outcome.output
    for rule in ("image-by-digest", "scaler-owns-replicas"):
        assert f"can't run policy '{rule}'" in outcome.output
    assert "containers[0].image is not known before the update" in outcome.output


def test_an_exemption_with_its_reason_lets_one_resource_by(judged: Judged) -> None:
    given = parts()
    put(given, "mailer/spec/template/spec/hostNetwork", value=True)
    exempt = {"exempt": [{"name": "mailer", "reason": "it measures the node's network"}]}

    assert judged.preview(given, config={"pod-no-host-access": exempt}).code == 0
    nameless = judged.preview(given, config={"pod-no-host-access": {"exempt": [{"name": "m"}]}})
    assert nameless.code != 0
    assert "reason is required" in nameless.output


def test_what_the_pack_says_is_in_the_comment_of_a_pull_request(judged: Judged) -> None:
    given = {"mailer": parts()["mailer"]}
    put(given, "mailer/spec/template/spec/hostNetwork", value=True)
    pulumi = Pulumi(judged.project.root, PRODUCTION, judged.project.environ, judged.write(given))

    seen = pulumi.preview()

    page = summary(seen.changes, PRODUCTION)
    assert seen.code != 0
    # It is alone: rules about what has to stand beside it are broken, too.
    beside = {"network-policy-present", "worker-has-budget"}
    assert {each.rule for each in seen.changes.breaches} == {"pod-no-host-access", *beside}
    assert "### Policies: 3 broken (celery 0.1.0)" in page
    assert "[mandatory] pod-no-host-access (mailer): A pod uses nothing of its host" in page
