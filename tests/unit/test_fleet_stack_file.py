"""The stack file: made from its template, refreshed unless somebody edited it."""

from pathlib import Path

import pytest
import yaml

from fleet import stack_file
from fleet.project import Project
from rehearsal.errors import RehearsalError

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "# one\nconfig:\n  celery-fleet:tier: local\n  celery-fleet:queues:\n    default: {}\n"
CHANGED = TEMPLATE.replace("default", "labeling")
TOKEN = "  celery-fleet:apiToken:\n    secure: v1:abc\n"
SALT = "encryptionsalt: v1:xyz=\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "imagineer.yaml").write_text(TEMPLATE)
    (tmp_path / "state").mkdir()
    return Project(tmp_path, tmp_path / "state")


def offer(project: Project, template: str) -> None:
    (project.root / "stacks" / "imagineer.yaml").write_text(template)


def test_the_first_use_copies_the_template_with_its_comments(project: Project) -> None:
    made = stack_file.ensure(project, "local")

    assert made.path.read_text() == TEMPLATE
    assert made.note == "made from stacks/imagineer.yaml"


def test_a_second_use_changes_nothing(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    before = path.stat().st_mtime_ns

    assert stack_file.ensure(project, "local").note == "unchanged"
    assert path.stat().st_mtime_ns == before


def test_what_pulumi_and_we_add_is_no_edit_and_outlives_a_refresh(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    path.write_text(TEMPLATE.replace("# one\n", "") + TOKEN + SALT)
    offer(project, CHANGED)

    assert stack_file.ensure(project, "local").note == "refreshed from stacks/imagineer.yaml"
    document = yaml.safe_load(path.read_text())
    assert document["config"]["celery-fleet:queues"] == {"labeling": {}}
    assert document["config"]["celery-fleet:apiToken"] == {"secure": "v1:abc"}
    assert document["encryptionsalt"] == "v1:xyz="
    assert path.read_text().startswith("# one")


def test_a_refreshed_file_can_be_refreshed_again(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    path.write_text(TEMPLATE + TOKEN + SALT)
    for template in (CHANGED, TEMPLATE):
        offer(project, template)
        assert "refreshed" in stack_file.ensure(project, "local").note

    assert yaml.safe_load(path.read_text())["encryptionsalt"] == "v1:xyz="


def test_an_edited_file_is_kept_and_said_to_be(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    path.write_text(TEMPLATE.replace("default", "mine"))
    offer(project, CHANGED)

    note = stack_file.ensure(project, "local").note

    assert note == "edited by hand, so kept, though stacks/imagineer.yaml has changed since"
    assert "mine" in path.read_text()


def test_a_file_that_is_not_yaml_counts_as_edited(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    path.write_text("config: [")
    offer(project, CHANGED)

    assert "kept" in stack_file.ensure(project, "local").note
    assert path.read_text() == "config: ["


def test_a_file_of_unknown_origin_is_never_replaced(project: Project) -> None:
    project.stack_file("local").write_text(TEMPLATE.replace("default", "mine"))
    offer(project, CHANGED)

    assert "differs" in stack_file.ensure(project, "local").note
    assert "mine" in project.stack_file("local").read_text()


def test_an_unedited_file_of_unknown_origin_follows_its_template_again(project: Project) -> None:
    project.stack_file("local").write_text(TEMPLATE + SALT)
    stack_file.ensure(project, "local")
    offer(project, CHANGED)

    assert "refreshed" in stack_file.ensure(project, "local").note


def test_an_unknown_stack_names_those_there_are(project: Project) -> None:
    (project.root / "stacks" / "mistudio.yaml").write_text(TEMPLATE)

    with pytest.raises(RehearsalError) as raised:
        stack_file.ensure(project, "mistduio")

    assert "imagineer, local, mistudio" in raised.value.mend


def test_secrets_of_a_lost_passphrase_make_room_for_new_ones(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    path.write_text(TEMPLATE + TOKEN + SALT)

    stack_file.drop_secrets(path)

    assert path.read_text() == TEMPLATE


def test_secrets_written_in_another_style_are_dropped_too(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    path.write_text(TEMPLATE + "  celery-fleet:apiToken: {secure: v1:abc}\n" + SALT)

    stack_file.drop_secrets(path)

    assert yaml.safe_load(path.read_text()) == yaml.safe_load(TEMPLATE)


def test_a_users_own_secret_is_never_dropped(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    own = TEMPLATE + "  celery-fleet:mine:\n    secure: v1:abc\n" + SALT
    path.write_text(own)

    with pytest.raises(RehearsalError, match="celery-fleet:mine"):
        stack_file.drop_secrets(path)

    assert path.read_text() == own


@pytest.mark.parametrize("provider", [SALT, "secretsprovider: awskms://a\nencryptedkey: AQ==\n"])
def test_a_copy_keeps_no_secret_and_asks_for_no_key(provider: str, tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(TEMPLATE + TOKEN + "  aws:secretKey:\n    secure: v1:abc\n" + provider)

    stack_file.drop_every_secret(path)

    assert yaml.safe_load(path.read_text()) == yaml.safe_load(TEMPLATE)


def test_a_token_counts_as_set_only_when_encrypted(project: Project) -> None:
    path = stack_file.ensure(project, "local").path
    assert not stack_file.is_secret_set(path)

    path.write_text(TEMPLATE + TOKEN)
    assert stack_file.is_secret_set(path)


@pytest.mark.parametrize("template", sorted((ROOT / "stacks").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_template_takes_token_and_salt(template: Path) -> None:
    old = yaml.safe_load(TEMPLATE + TOKEN + SALT)

    document = yaml.safe_load(stack_file._with_secrets(template.read_text(), old))

    assert document.pop("encryptionsalt") == "v1:xyz="
    assert document["config"].pop("celery-fleet:apiToken") == {"secure": "v1:abc"}
    assert document == yaml.safe_load(template.read_text())
