"""What stands in for `kubectl exec`: a pod's process, found by its record and its mark."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal.node_agent.inside import inside
from rehearsal.node_agent.pods.pod_folder import PodFolder
from rehearsal.node_agent.rules.launch import MARK
from rehearsal.node_agent.rules.records import Running, Terminated


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Pod `a` of namespace `n`, with a process; its record says what it is told."""
    folder = tmp_path / "n_a_uid"
    folder.mkdir()
    environ = {"SAYS": "a=b", MARK: str(folder / "worker")}
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, cwd=folder, env=environ, stdin=subprocess.PIPE) as process:
        told = SimpleNamespace(state=Running(pid=process.pid, create_time=1, started_at=1))
        record = SimpleNamespace(container=lambda _: told)
        monkeypatch.setattr(PodFolder, "read_record", lambda _: record)
        yield told
        process.communicate(b"\n")


@pytest.mark.usefixtures("state")
def test_environment_and_folder_are_those_of_the_pods_process(tmp_path: Path) -> None:
    found = inside(tmp_path, "n", "a", "worker")

    assert found is not None
    assert (found.environ["SAYS"], found.folder) == ("a=b", tmp_path / "n_a_uid")
    assert inside(tmp_path, "n", "b", "worker") is None


@pytest.mark.usefixtures("state")
def test_a_process_that_has_another_ones_number_is_none_of_the_pods(tmp_path: Path) -> None:
    assert inside(tmp_path, "n", "a", "other") is None


def test_a_pod_that_has_ended_has_no_process(tmp_path: Path, state: SimpleNamespace) -> None:
    state.state = Terminated(exit_code=0, reason="Completed", started_at=1, finished_at=2)

    assert inside(tmp_path, "n", "a", "worker") is None
