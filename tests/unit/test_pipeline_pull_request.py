"""The comment compares two commits of one stack file, and its failure fails the job."""

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleet.pipeline import cost, pull_request, stack_files
from fleet.pipeline.__main__ import app
from fleet.pipeline.engine import Pulumi
from fleet.pipeline.environment import Environment
from fleet.pipeline.markdown import MARKER
from fleet.planning.forecast import forecast
from rehearsal.errors import RehearsalError
from tests.unit.recorder import ROOT
from tests.unit.stand_ins import stand_in
from tests.unit.test_pipeline_changes import step
from tests.unit.test_pipeline_steps import previewed

FILE = "Pulumi.staging.yaml"
STAGING = (ROOT / FILE).read_text()
# One node more at rest: 730 hours of the node at 0.1632 $, and of its disk.
DEARER = STAGING.replace("nodes: 1\n", "nodes: 2\n", 1)


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str, str]:
    """A project of three commits: without the stack file, with it, with a dearer one."""
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "--quiet")
    (folder / "Pulumi.yaml").write_text("name: celery-fleet\n")
    made = []
    for text in (None, STAGING, DEARER):
        if text is not None:
            (folder / FILE).write_text(text)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "one")
        made.append(git(folder, "rev-parse", "HEAD"))
    return folder, made[0], made[1], made[2]


def commit(folder: Path, parent: str | None, text: str | None, name: str) -> str:
    """Make a commit beside the checkout: one file written, or without it."""
    tree = [] if parent is None else git(folder, "ls-tree", parent).splitlines()
    tree = [line for line in tree if not line.endswith(f"\t{name}")]
    if text is not None:
        (folder / "beside").write_text(text)
        tree.append(f"100644 blob {git(folder, 'hash-object', '-w', 'beside')}\t{name}")
        (folder / "beside").unlink()
    made = subprocess.run(
        ["git", "mktree"], cwd=folder, input="\n".join(tree) + "\n",
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    onto = [] if parent is None else ["-p", parent]
    return git(folder, "commit-tree", *onto, "-m", "another", made.stdout.strip())


@pytest.fixture(autouse=True)
def outside(commits: tuple[Path, str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The project as working directory, outside of GitHub; bills by one simulation, not five."""
    for name in ("REPOSITORY", "RUN_ID", "SERVER_URL", "STEP_SUMMARY"):
        monkeypatch.delenv(f"GITHUB_{name}", raising=False)
    monkeypatch.chdir(commits[0])
    monkeypatch.setattr(cost, "forecast", partial(forecast, seeds=1))


def test_the_comment_holds_the_commit_against_the_base(
    commits: tuple[Path, str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, empty, base, head = commits
    stand_in("pulumi", tmp_path, monkeypatch, {}, previewed(step("update", "nodes")))
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/fleet")
    monkeypatch.setenv("GITHUB_RUN_ID", "7")

    made = pull_request.compose(Pulumi(folder, "staging"), head, base, Environment("up", "here"))

    assert not made.failed
    assert made.body.startswith(MARKER)
    assert "https://github.com/acme/fleet/actions/runs/7" in made.body
    assert "~  Deployment nodes" in made.body
    assert "- nodeGroups.cpu.nodes: 1 -> 2" in made.body
    assert "| `staging` at rest | 295 | 418 | +123 |" in made.body
    stand_in("pulumi", tmp_path / "again", monkeypatch, {}, previewed())
    new = pull_request.compose(Pulumi(folder, "staging"), head, empty, None)
    assert f"{FILE} is new" in new.body


def test_a_failed_preview_is_written_and_fails_the_job(
    commits: tuple[Path, str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("pulumi", tmp_path, monkeypatch, {}, previewed(code=255))
    given = ["comment", "--stack", "staging", "--commit", commits[3], "--base", commits[3]]

    ended = CliRunner().invoke(app, [*given, "--environment", "skipped"])

    assert ended.exit_code == 1
    assert "### Preview environment: **not up**" in ended.stdout


def test_a_closed_pull_request_is_not_previewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stand_in("pulumi", tmp_path, monkeypatch)
    given = ["comment", "--stack", "staging", "--commit", "0123abc", "--environment", "gone"]

    ended = CliRunner().invoke(app, given)

    assert ended.exit_code == 0
    assert "destroyed" in ended.stdout
    assert not engine.calls


def test_what_keeps_the_command_from_looking_is_in_the_comment_and_fails_the_job(
    commits: tuple[Path, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _, base, head = commits
    given = ["comment", "--stack", "staging", "--commit", head]
    unknown = CliRunner().invoke(app, [*given, "--base", "0" * 40])
    assert unknown.exit_code == 1
    assert unknown.stdout.startswith(MARKER)
    assert "fetch-depth: 0" in unknown.stdout

    monkeypatch.setenv("PATH", str(folder))
    with_git = folder / "git"
    with_git.symlink_to(shutil.which("git", path=os.defpath) or "/usr/bin/git")
    without_pulumi = CliRunner().invoke(app, [*given, "--base", base])
    with_git.unlink()
    assert without_pulumi.exit_code == 1
    assert "pulumi is not on PATH" in without_pulumi.stdout
    assert "| `staging` at rest | 295 | 418 | +123 |" in without_pulumi.stdout


def test_stack_files_are_compared_without_any_right(
    commits: tuple[Path, str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, empty, base, head = commits
    engine = stand_in("pulumi", tmp_path, monkeypatch)
    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))

    ended = CliRunner().invoke(app, ["diff", "--base", base, "--commit", head])

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "### What this does to stack `staging`\n" in page.read_text()
    assert not engine.calls
    assert f"{FILE} is as before" in pull_request.compared(folder, head, head).body
    assert f"{FILE} is new" in pull_request.compared(folder, head, empty).body


def test_what_main_has_got_since_is_not_told_backwards(
    commits: tuple[Path, str, str, str],
) -> None:
    folder, _, base, head = commits
    behind = commit(folder, base, None, "README.md")
    assert f"{FILE} is as before" in pull_request.compared(folder, behind, head).body

    gone = commit(folder, base, None, FILE)
    told = pull_request.compared(folder, gone, head).body
    assert f"{FILE} goes; what is up stays up until `pulumi destroy`" in told

    # Without a common commit there is nothing but the base itself.
    unrelated = commit(folder, None, STAGING, FILE)
    assert "- nodeGroups.cpu.nodes: 2 -> 1" in pull_request.compared(folder, unrelated, head).body


def test_what_a_step_says_is_a_state_or_an_error(tmp_path: Path) -> None:
    (tmp_path / "told").write_text("api https://x")

    assert pull_request.environment_of(None, None) is None
    up = pull_request.environment_of("success", tmp_path / "told")
    assert up == Environment("up", "api https://x")
    assert pull_request.environment_of("cancelled", tmp_path / "none") == Environment("failed")
    with pytest.raises(RehearsalError, match="'maybe' is no state"):
        pull_request.environment_of("maybe", None)


def test_a_file_that_is_refused_has_no_cost_and_a_former_one_no_change() -> None:
    wrong = STAGING.replace("tier: staging", "tier: stage")

    assert cost.compare(wrong, STAGING, FILE).after is None
    assert "tier is 'stage'" in cost.compare(wrong, STAGING, FILE).why
    told = stack_files._change("staging", wrong, STAGING)
    assert told.refused
    assert f"**{FILE} is refused**" in told.words
    assert "tier is 'stage'" in told.words
    assert "refused by today's rules" in stack_files._change("staging", STAGING, wrong).words
    against = cost.compare(STAGING, wrong, FILE)
    assert against.before is None
    assert against.why == f"the former {FILE} is refused by today's rules"
