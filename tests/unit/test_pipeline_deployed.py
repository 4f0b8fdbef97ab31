"""Drift is what differs from the commit that CI deployed; `pulumi` is a stand-in, git is not."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleet.pipeline import deployed, steps
from fleet.pipeline.__main__ import app
from fleet.pipeline.engine import Pulumi
from rehearsal.errors import RehearsalError
from tests.unit.aws_stage import changed, rendered
from tests.unit.recorder import ROOT
from tests.unit.stand_ins import stand_in
from tests.unit.test_pipeline_pull_request import git
from tests.unit.test_pipeline_steps import previewed
from tests.unit.workflow_files import jobs


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, str, str]:
    """A project of two commits, of which the first was deployed and the second is checked out."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "Pulumi.yaml").write_text("name: celery-fleet\n")
    (folder / "Pulumi.prod.yaml").write_text(
        'config: {"celery-fleet:image": {build: {revision: "0.1.0"}}}\n'
    )
    (folder / ".ci").mkdir()
    made = []
    for number in ("first", "second"):
        (folder / ".ci/venv").write_text(f"#!/bin/sh\nprintf 'packages of {number}'\n")
        (folder / ".ci/venv").chmod(0o755)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", number)
        made.append(git(folder, "rev-parse", "HEAD"))
        shutil.copy2(ROOT / ".ci/deployed", folder / ".ci")
    return folder, made[0], made[1]


def told(revision: str) -> dict[str, str]:
    """What `pulumi stack output --json` prints of a stack that was deployed."""
    return {"stdout": json.dumps({"namespace": "x", "revision": revision})}


def test_drift_compares_with_the_revision_that_was_deployed(
    project: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _, head = project
    engine = stand_in("pulumi", tmp_path, monkeypatch, told(head), {}, previewed())

    steps.drift(Pulumi(folder, "prod"), None)

    asked, is_set, preview = (call["args"] for call in engine.calls)
    assert asked[:3] == ["stack", "output", "--json"]
    assert is_set[:5] == ["config", "set", "--path", "celery-fleet:image.build.revision", head]
    assert preview[:3] == ["preview", "--refresh", "--expect-no-changes"]


def test_drift_refuses_another_commits_program_and_says_how_to_get_the_right_one(
    project: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, first, head = project
    engine = stand_in("pulumi", tmp_path, monkeypatch, told(first))

    said = rf"that is commit {first}, this is {head}[^!]*\.ci/deployed prod"
    with pytest.raises(RehearsalError, match=said):
        steps.drift(Pulumi(folder, "prod"), None)
    (tmp_path / "no-git").mkdir()
    shutil.copy2(folder / "Pulumi.prod.yaml", tmp_path / "no-git")
    with pytest.raises(RehearsalError, match="this is fatal: not a git repository"):
        steps.drift(Pulumi(tmp_path / "no-git", "prod"), None)

    assert {call["args"][0] for call in engine.calls} == {"stack"}


@pytest.mark.parametrize("output", [{}, {"revision": "0.1.0"}, {"revision": "0123abc"}])
def test_a_stack_that_names_no_commit_is_compared_as_it_is_and_that_is_told(
    output: dict[str, str],
    project: tuple[Path, str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = stand_in("pulumi", tmp_path, monkeypatch, {"stdout": json.dumps(output)}, previewed())

    steps.drift(Pulumi(project[0], "prod"), None)

    assert [call["args"][0] for call in engine.calls] == ["stack", "preview"]
    said = capsys.readouterr().err
    assert "stack prod does not say which commit CI deployed" in said
    assert output.get("revision", "no output `revision`") in said


def test_a_stack_file_that_states_what_is_deployed_is_what_was_deployed(
    project: tuple[Path, str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, first, _ = project
    file = folder / "Pulumi.prod.yaml"
    file.write_text(file.read_text().replace("0.1.0", first))
    engine = stand_in("pulumi", tmp_path, monkeypatch, told(first), previewed())

    steps.drift(Pulumi(folder, "prod"), None)

    assert [call["args"][0] for call in engine.calls] == ["stack", "preview"]
    assert "its stack file here has that revision" in capsys.readouterr().err


def test_the_commit_alone_is_printed_for_a_script(
    project: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, first, _ = project
    monkeypatch.chdir(folder)
    stand_in("pulumi", tmp_path, monkeypatch, told(first), {"stdout": "{}"}, {"code": 1})

    outputs = [CliRunner().invoke(app, ["deployed", "--stack", "prod"]) for _ in range(3)]

    assert [each.stdout.strip() for each in outputs] == [first, "", ""]
    assert [each.exit_code for each in outputs] == [0, 0, 1]
    with pytest.raises(RehearsalError, match="`pulumi stack output` of stack prod ended with 1"):
        deployed.commit(Pulumi(folder, "prod"))


def test_a_stack_tells_the_revision_that_its_image_is_built_of() -> None:
    built = changed("staging", image={"build": {"revision": "0123abc"}})

    assert rendered(built).outputs["revision"] == "0123abc"
    given = changed("staging", image="registry.example/worker:1")
    assert "revision" not in rendered(given).outputs


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / ".ci/deployed", "prod"], capture_output=True, text=True, check=False
    )


def test_the_script_checks_that_commit_out_and_has_its_packages_ready(
    project: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, first, head = project
    python = stand_in("python", tmp_path, monkeypatch, {"stdout": "\n"}, {"stdout": f"{first}\n"})

    none = run(folder)
    assert (none.returncode, none.stdout) == (0, "")
    assert git(folder, "rev-parse", "HEAD") == head

    # The first commit has no such script: it runs to its end all the same.
    ended = run(folder)
    assert (ended.returncode, ended.stdout) == (0, "packages of first")
    assert git(folder, "rev-parse", "HEAD") == first
    assert not (folder / ".ci/deployed").exists()
    assert python.calls[0]["args"] == ["-m", "fleet.pipeline", "deployed", "--stack", "prod"]


def test_the_script_ends_where_the_commit_is_not_there_or_not_known(
    project: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _, head = project
    stand_in("python", tmp_path, monkeypatch, {"code": 1}, {"stdout": f"{'0' * 40}\n"})

    assert run(folder).returncode == 1
    unknown = run(folder)
    assert unknown.returncode == 1
    assert f"commit {'0' * 40}, which is not in this checkout" in unknown.stderr
    assert "fetch-depth: 0" in unknown.stderr
    assert git(folder, "rev-parse", "HEAD") == head


def test_drift_is_looked_for_at_the_commit_that_the_stack_was_deployed_from() -> None:
    (job,) = [job for job in jobs() if any("pipeline drift" in run for run in job.runs)]

    sign_in, deployed, drift = job.runs
    # Signing in makes .venv as main has it, and the role by which the stack is asked.
    assert ".ci/sign-in" in sign_in
    assert deployed == '.ci/with-pulumi .ci/deployed "$STACK"'
    assert drift == '.ci/with-pulumi python -m fleet.pipeline drift --stack "$STACK"'
    assert job.steps[0]["with"]["fetch-depth"] == 0
