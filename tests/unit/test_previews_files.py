"""Files and branches of previews: what is written, what is kept, what git knows."""

import subprocess
from pathlib import Path

import pytest
import yaml

from fleet import stack_config
from fleet.preview_commands import _name, _own_base
from fleet.previews.checkout import Checkout
from fleet.previews.naming import preview_name
from fleet.previews.up import write
from fleet.project import Project
from fleet.stack_file import TOKEN_KEY
from infra.config import load_file
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import BRANCH, CREATED, EXPIRES, NAME, base, wish

SECRET = {"secure": "v1:abc"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, tmp_path / "state")


def test_what_is_written_is_what_the_program_reads(project: Project) -> None:
    written = write(project, base("local"), wish())

    read = load_file(project.stack_file(NAME))
    assert read == written
    assert read.preview is not None
    assert (read.preview.created_at, read.preview.expires_at) == (CREATED, EXPIRES)
    assert _own_base(project, NAME, "staging") == "local"


@pytest.mark.parametrize("branch", ["0123", "true", "2026-03-01", "a: b", "日本"])
def test_a_branch_that_yaml_takes_for_something_else_stays_a_branch(
    project: Project, branch: str
) -> None:
    name = preview_name(branch)

    written = write(project, base("local"), wish(name=name, branch=branch, commit="1" * 40))

    assert written.preview is not None
    assert (written.preview.branch, written.preview.commit) == (branch, "1" * 40)


def test_token_and_salt_survive_another_up(project: Project) -> None:
    write(project, base("local"), wish())
    path = project.stack_file(NAME)
    document = yaml.safe_load(path.read_text())
    document |= {"encryptionsalt": "v1:xyz"}
    document["config"][TOKEN_KEY] = SECRET
    path.write_text(yaml.safe_dump(document))

    write(project, base("local"), wish(commit="2" * 40))

    again = yaml.safe_load(path.read_text())
    assert (again["encryptionsalt"], again["config"][TOKEN_KEY]) == ("v1:xyz", SECRET)
    assert again["config"]["celery-fleet:preview"]["commit"] == "2" * 40


def test_what_would_be_refused_is_told_and_not_written(project: Project) -> None:
    write(project, base("local"), wish())
    before = project.stack_file(NAME).read_text()

    with pytest.raises(RehearsalError, match="image is 'No Image'"):
        write(project, base("local"), wish(image="No Image"))

    assert project.stack_file(NAME).read_text() == before


def test_a_rehearsal_is_not_staged_anew_for_its_previews(project: Project) -> None:
    (project.root / "Pulumi.local.yaml").write_text(
        (Path(__file__).resolve().parents[2] / "stacks" / "imagineer.yaml").read_text()
    )
    write(project, base("local"), wish())
    known = project.backend / ".pulumi" / "stacks" / "celery-fleet"
    known.mkdir(parents=True)
    for stack in ("local", NAME):
        (known / f"{stack}.json").write_text("{}")

    assert set(stack_config.staged(project, "local")) == {"local"}


def test_a_preview_is_named_by_its_branch_or_by_its_name(project: Project) -> None:
    assert _name(project, None, BRANCH) == _name(project, NAME, None) == NAME
    for name, branch in (("staging", None), (NAME, BRANCH)):
        with pytest.raises(RehearsalError, match="for previews alone, one at a time"):
            _name(project, name, branch)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    return folder


def test_git_tells_the_branch_its_commit_and_the_others(checkout: Path) -> None:
    git(checkout, "branch", BRANCH)

    found = Checkout(checkout)

    assert found.branch() == "main"
    assert found.commit(BRANCH) == git(checkout, "rev-parse", "HEAD")
    assert found.commit("gone") is None
    assert found.branches() == {"main", BRANCH}


def test_a_remotes_branches_count_where_there_is_one(checkout: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(checkout), str(mirror))
    git(mirror, "branch", "here-only")

    assert Checkout(mirror).branches() == {"main"}


def test_without_a_branch_one_has_to_be_named(checkout: Path) -> None:
    git(checkout, "checkout", "--quiet", "--detach")

    with pytest.raises(RehearsalError, match="no branch is checked out"):
        Checkout(checkout).branch()


def test_git_that_tells_nothing_condemns_nothing(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="no branch at all"):
        Checkout(tmp_path).branches()
