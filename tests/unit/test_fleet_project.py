"""Where the project lies, which stack is meant, and who may work on it."""

import json
import os
from pathlib import Path

import pytest

from fleet import lock, project
from fleet.project import Project
from rehearsal.errors import RehearsalError

ROOT = Path(__file__).resolve().parents[2]


def test_the_checkout_around_the_working_directory_is_used(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: celery-fleet\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    found = project.find(inner, {})

    assert found == Project(tmp_path, tmp_path / ".state")


def test_another_pulumi_project_is_not_taken_for_this_one(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: something-else\n")

    assert project.find(tmp_path, {}).root == ROOT


def test_the_state_folder_moves_as_a_whole(tmp_path: Path) -> None:
    found = project.find(ROOT, {"CELERY_FLEET_STATE": str(tmp_path)})

    paths = [found.rehearsal, found.logs, found.plugins, found.backend, found.pulumi_home]
    assert all(p.is_relative_to(tmp_path) for p in [*paths, found.passphrase, found.kubeconfig])


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "x" * 101])
def test_a_name_that_pulumi_refuses_is_refused_at_once(name: str) -> None:
    with pytest.raises(RehearsalError, match="not a stack name"):
        project.checked_stack_name(name)


def test_the_last_stack_brought_up_is_the_one_that_is_meant(tmp_path: Path) -> None:
    here = Project(tmp_path, tmp_path)
    assert here.current_stack() == "local"

    here.remember_stack("mistudio")
    assert here.current_stack() == "mistudio"


def test_a_second_command_is_told_who_holds_the_state(tmp_path: Path) -> None:
    here = Project(tmp_path, tmp_path / ".state")

    with (
        lock.exclusively(here, "fleet up"),
        pytest.raises(RehearsalError, match=rf"`fleet up` \(pid {os.getpid()}, since \d\d:"),
        lock.exclusively(here, "fleet down"),
    ):
        pass


def test_a_lock_file_left_by_a_dead_command_locks_nothing(tmp_path: Path) -> None:
    here = Project(tmp_path, tmp_path)
    here.lock.write_text(json.dumps({"pid": 1, "command": "fleet up", "since": "2026-01-01"}))

    with lock.exclusively(here, "fleet up"):
        assert json.loads(here.lock.read_text())["pid"] == os.getpid()


def test_a_state_folder_that_cannot_be_made_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    here = Project(tmp_path, tmp_path / "file" / ".state")

    with pytest.raises(RehearsalError) as raised, lock.exclusively(here, "fleet up"):
        pass

    assert raised.value.where == here.state
