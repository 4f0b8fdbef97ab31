"""Files of previews: what is written, what is kept, what names one."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fleet import stack_config
from fleet.preview_commands import _name, _own_base
from fleet.previews.naming import preview_name
from fleet.previews.up import write
from fleet.project import Project
from fleet.stack_file import TOKEN_KEY, secrets_provider
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
    assert _own_base(project, NAME, None) == _own_base(project, NAME, "local") == "local"
    with pytest.raises(RehearsalError, match=f"preview {NAME} lives beside local"):
        _own_base(project, NAME, "staging")


def test_without_a_stack_file_a_preview_is_beside_the_base_that_is_named(project: Project) -> None:
    assert _own_base(project, NAME, None) == "staging"
    assert _own_base(project, NAME, "other") == "other"


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


KEY = "awskms://alias/state?region=us-east-1"


def test_the_secrets_of_a_preview_are_opened_by_its_bases_key(project: Project) -> None:
    by_key = replace(base("local"), secrets_provider=KEY)
    write(project, by_key, wish())
    path = project.stack_file(NAME)
    document = yaml.safe_load(path.read_text())
    assert document["secretsprovider"] == KEY
    document |= {"encryptedkey": "AQ=="}
    document["config"][TOKEN_KEY] = SECRET
    path.write_text(yaml.safe_dump(document))

    write(project, by_key, wish())
    again = yaml.safe_load(path.read_text())
    assert (again["encryptedkey"], again["config"][TOKEN_KEY]) == ("AQ==", SECRET)

    write(project, replace(by_key, secrets_provider=f"{KEY}&other"), wish())
    moved = yaml.safe_load(path.read_text())
    assert moved["secretsprovider"] == f"{KEY}&other"
    assert "encryptedkey" not in moved
    assert TOKEN_KEY not in moved["config"], "what the former key encrypted nobody can read"


@pytest.mark.parametrize("named", ["passphrase", "default", ""])
def test_a_passphrase_is_no_key_that_a_preview_could_share(project: Project, named: str) -> None:
    path = project.stack_file("staging")
    path.write_text(yaml.safe_dump({"secretsprovider": named, "config": {}}))

    assert secrets_provider(path) is None


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
