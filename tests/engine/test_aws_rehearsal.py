"""Prod and staging, whole, on stand-ins of AWS: what `make rehearse` promises, each by its line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.recorder import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(600)]


def found(pattern: str, output: str) -> str:
    match = re.search(pattern, output)
    assert match, f"no {pattern!r} in:\n{output}"
    return match[1]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_stack_comes_up_works_stays_changes_and_goes(stack: str, tmp_path: Path) -> None:
    before = (ROOT / f"Pulumi.{stack}.yaml").read_text()

    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "fleet", "rehearse", "--stack", stack],
        cwd=ROOT,
        env={**os.environ, "CELERY_FLEET_STATE": str(tmp_path / "state"), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    resources = int(found(r"resources +(\d+), at most 150", done.stdout))
    assert 100 < resources <= 150
    assert found(r"preview +done, ([\d.]+) s", done.stdout)
    assert "none in the exported state or the outputs" in done.stdout
    assert f"imagineer-{stack}-gpu-" in found(r"come from zero: (.+)", done.stdout)
    assert len(re.findall(r"(?:up|refresh) +no change", done.stdout)) == 2
    assert int(found(r"(\d+) resources touched", done.stdout)) <= 4
    assert "nothing is left in AWS's stand-in or the cluster" in done.stdout
    assert ("refused: the stack is protected" in done.stdout) == (stack == "prod")
    assert (ROOT / f"Pulumi.{stack}.yaml").read_text() == before
