"""Prod and staging, whole, on stand-ins of AWS: what `make rehearse` promises, each by its line."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet import rehearsed_copy
from fleet.project import Project
from rehearsal.supervisor import client as supervisor
from tests.unit.recorder import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(900)]

Rehearse = Callable[[str], tuple[int, str]]
"""Rehearses a stack: exit code, and what was printed."""
_STOP_S = 60


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Rehearse]:
    """Rehearse in a state folder of its own; whatever ends the test ends the stage too."""
    state = tmp_path / "state"
    begun: list[tuple[str, subprocess.Popen[str]]] = []

    def run(stack: str) -> tuple[int, str]:
        process = subprocess.Popen(
            [Path(sys.prefix) / "bin" / "fleet", "rehearse", "--stack", stack],
            cwd=ROOT,
            env={**os.environ, "CELERY_FLEET_STATE": str(state), "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        begun.append((stack, process))
        printed, _ = process.communicate()
        return process.returncode, printed

    yield run
    for stack, process in begun:
        stop(process)
        supervisor.stop(rehearsed_copy.folder_of(Project(ROOT, state), stack).rehearsal, print)


def stop(process: subprocess.Popen[str]) -> None:
    """Interrupt a command with all that it runs, as Ctrl-C does; then insist."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            continue


def found(pattern: str, output: str) -> str:
    match = re.search(pattern, output)
    assert match, f"no {pattern!r} in:\n{output}"
    return match[1]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_stack_comes_up_works_stays_changes_and_goes(stack: str, rehearse: Rehearse) -> None:
    before = (ROOT / f"Pulumi.{stack}.yaml").read_text()

    code, printed = rehearse(stack)

    assert code == 0, printed
    resources = int(found(r"resources +(\d+), at most 177", printed))
    assert 100 < resources <= 177
    assert found(r"preview +done, ([\d.]+) s", printed)
    assert 20 < int(found(r"an error of AWS as injected, (\d+) made", printed)) < resources
    assert "none in the exported state or the outputs" in printed
    assert f"imagineer-{stack}-gpu" in found(r"none at rest in (.+)", printed)
    assert f"imagineer-{stack}-gpu-" in found(r"come from zero for a task: (.+)", printed)
    assert len(re.findall(r"(?:up|refresh) +no change", printed)) == 2
    assert ("a replica is primary" in printed) == (stack == "prod")
    if stack == "staging":
        assert "each user is refused on the other's" in found(r"(preview-feature-.+)", printed)
        assert "no change, and no drift by the preview's users" in printed
        assert "down, without a user or a key left" in printed
    if stack == "prod":
        assert "0 lost, 0 failed, 0 run twice" in found(r"rotation +(500 tasks.+)", printed)
        assert "0 lost, 0 failed, 0 run twice" in found(r"failover +(500 tasks.+)", printed)
    assert int(found(r"(\d+) resources touched", printed)) <= 5
    assert "nothing is left in AWS's stand-in or the cluster" in printed
    assert ("refused: the stack is protected" in printed) == (stack == "prod")
    assert (ROOT / f"Pulumi.{stack}.yaml").read_text() == before
