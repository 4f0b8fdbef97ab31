"""On the real engine: what is approved is what is carried out, and drift is told."""

import json
from pathlib import Path

import pytest

from fleet.pipeline import steps
from fleet.pipeline.engine import Pulumi
from rehearsal.errors import RehearsalError
from rehearsal.toolchain import Tools
from tests.engine.project import Project, new_project

pytestmark = pytest.mark.engine

# By the engine's protocol alone: importing a provider's SDK would take most of a preview.
PROGRAM = """
import pulumi

for name, length in {lengths}.items():
    pulumi.CustomResource(
        "random:index/randomPassword:RandomPassword", name, {{"length": length, "result": None}}
    )
"""


@pytest.fixture(scope="module")
def project(tools: Tools, plugin_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A stack of passwords: it needs no cluster."""
    root = tmp_path_factory.mktemp("plan") / "project"
    return new_project(root, plugin_folder, tools.pulumi, root / "no-cluster")


def pulumi(project: Project) -> Pulumi:
    return Pulumi(project.root, "test", project.environ, policies=())


def test_what_was_shown_and_approved_is_carried_out_and_is_no_drift(
    project: Project, tmp_path: Path
) -> None:
    page, answers = tmp_path / "page.md", tmp_path / "answers"
    project.write(PROGRAM.format(lengths={"first": 20}))
    shown = steps.show(pulumi(project), page, answers)
    assert answers.read_text() == f"digest={shown.digest}\n"
    assert "1 to create" in page.read_text()

    steps.up(pulumi(project), page, shown.digest)
    assert "first" in project.resources()
    steps.drift(pulumi(project), page)


def test_the_engine_holds_an_update_to_its_plan(project: Project, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    project.write(PROGRAM.format(lengths={"first": 20}))
    pulumi(project).preview("--save-plan", str(plan))
    assert json.loads(plan.read_text())["resourcePlans"]

    project.write(PROGRAM.format(lengths={"first": 20, "third": 20}))
    with pytest.raises(RehearsalError, match="`pulumi up` of stack test ended with"):
        pulumi(project).carry_out(plan)
    assert "third" not in project.resources()
    with pytest.raises(RehearsalError, match=r"has drifted[^!]*create third"):
        steps.drift(pulumi(project), None)
