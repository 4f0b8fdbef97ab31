"""actionlint, which knows GitHub's own rules, finds nothing wrong with the workflows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.toolchain.workflows import ensure_actionlint
from tests.unit.recorder import ROOT

# The first run on a machine builds it.
pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]

WORKFLOWS = ROOT / ".github" / "workflows"


@pytest.fixture(scope="module")
def actionlint() -> Path:
    return ensure_actionlint(print)


def lint(actionlint: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    # It has shellcheck read the commands of each step.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    assert shutil.which("shellcheck", path=path)
    return subprocess.run(
        [actionlint, "-no-color", *files],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_workflows_are_well(actionlint: Path) -> None:
    found = lint(actionlint, *sorted(WORKFLOWS.glob("*.yml")))

    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("needs: plan", "needs: plans", "plans"),
        ("steps.show.outputs.digest", "steps.shown.outputs.digest", "shown"),
        ('"$DIGEST"', "$DIGEST", "SC2086"),
    ],
)
def test_a_workflow_that_is_wrong_is_told(
    actionlint: Path, tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    text = (WORKFLOWS / "prod.yml").read_text()
    assert right in text
    broken = tmp_path / "prod.yml"
    broken.write_text(text.replace(right, wrong))

    found = lint(actionlint, broken)

    assert found.returncode == 1
    assert told in found.stdout
