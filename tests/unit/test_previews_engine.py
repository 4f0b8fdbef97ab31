"""What is asked of Pulumi for a preview's stack, and what is made of its answers."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError
from pulumi.automation._cmd import CommandResult
from pulumi.automation.errors import create_command_error

from fleet import engine_lock
from fleet.engine import Engine
from fleet.previews.engine import PreviewEngine, Summary
from fleet.previews.place import Place
from fleet.project import PROJECT_NAME, Project
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import NAME, base

LOCKED = (
    "error: the stack is currently locked by 1 lock(s).\n"
    f"  s3://b/.pulumi/locks/{NAME}/0a.json: created by ci@runner (pid 7) at 2026-01-01T00:00:00Z"
)


class Asked(PreviewEngine):
    """A stand-in for the CLI: answers by the command's first words."""

    def __init__(self, place: Place, answers: dict[str, str], **given: bool) -> None:
        super().__init__(place, **given)
        self.answers, self.asked = answers, list[str]()

    def _run(self, *arguments: str, **_: Any) -> str:
        command = " ".join(each for each in arguments if not each.startswith("--"))
        self.asked.append(command)
        told = next((text for key, text in self.answers.items() if command.startswith(key)), "")
        if told.startswith("error:"):
            raise create_command_error(CommandResult("", told, 255))
        return told


@pytest.fixture
def place(tmp_path: Path) -> Place:
    project = Project(tmp_path, tmp_path / "state")
    backend = {"PULUMI_BACKEND_URL": project.backend.as_uri()}
    return Place(project, "local", base("local").config, Path("/bin/pulumi"), backend)


@pytest.mark.parametrize("by_key", [True, False])
def test_a_stack_is_made_with_its_bases_key_where_that_has_one(
    place: Place, *, by_key: bool
) -> None:
    key = "awskms://alias/state?region=us-east-1"
    file = place.project.stack_file("local")
    file.write_text(f"secretsprovider: {key}\nconfig: {{}}\n" if by_key else "config: {}\n")
    asked = Asked(place, {})

    asked.claim(NAME, print)

    assert asked.asked == [f"stack init {NAME} {key}" if by_key else f"stack init {NAME}"]


def test_what_a_killed_pulumi_was_writing_goes_with_the_stack_and_no_other_file(
    place: Place,
) -> None:
    state = place.project.backend / ".pulumi"
    own = {
        f"stacks/celery-fleet/{NAME}.json.bak.18ea6684.tmp",
        f"locks/organization/celery-fleet/{NAME}/0a.json.18ea6684.tmp",
    }
    others = {
        f"stacks/celery-fleet/{NAME}2.json.18ea6684.tmp",
        "stacks/celery-fleet/local.json.18ea6684.tmp",
        "stacks/celery-fleet/local.json",
    }
    for each in own | others:
        (state / each).parent.mkdir(parents=True, exist_ok=True)
        (state / each).write_text("{")

    Asked(place, {"stack ls": "[]"}).remove(NAME)

    left = {str(each.relative_to(state)) for each in state.rglob("*") if each.is_file()}
    assert left == others


def lock_file(place: Place, content: object) -> Path:
    folder = place.project.backend / ".pulumi/locks/organization" / PROJECT_NAME / NAME
    folder.mkdir(parents=True)
    path = folder / "0a.json"
    path.write_text(json.dumps(content))
    return path


def test_previews_of_another_organisation_are_passed_over(place: Place) -> None:
    names = ("staging", f"other-org/{NAME}", NAME)
    listed = json.dumps([{"name": each, "resourceCount": 3} for each in names])

    assert Asked(place, {"stack ls": listed}).previews() == {NAME: Summary(3, at_work=False)}


@pytest.mark.parametrize("how", ["told by Pulumi Cloud", "held on this machine"])
def test_one_that_a_pulumi_holds_is_at_work(
    place: Place, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, object] = {"name": NAME, "resourceCount": 3}
    if how == "told by Pulumi Cloud":
        told["updateInProgress"] = True
    else:
        monkeypatch.setattr(engine_lock, "is_alive", lambda pid: pid == os.getpid())
        lock_file(place, {"pid": os.getpid()})

    assert Asked(place, {"stack ls": json.dumps([told])}).previews()[NAME].at_work


@pytest.mark.parametrize(
    ("selected", "after"), [("local", ["stack select local"]), (NAME, []), ("", [])]
)
def test_what_was_selected_is_selected_once_a_preview_is_removed(
    place: Place, selected: str, after: list[str]
) -> None:
    listed = [{"name": each, "current": each == selected} for each in ("local", NAME)]
    engine = Asked(place, {"stack ls": json.dumps(listed)})

    engine.remove(NAME)

    assert engine.asked == ["stack ls", f"stack rm {NAME}", *after]


def test_a_stack_that_is_there_is_claimed_as_it_is(place: Place) -> None:
    engine = Asked(place, {"stack init": f"error: stack 'organization/x/{NAME}' already exists"})

    engine.claim(NAME, lambda _: None)

    assert engine.asked == [f"stack init {NAME}"]


@pytest.mark.parametrize("break_lock", [True, False], ids=["--break-lock", "unasked"])
def test_an_old_lock_is_released_on_request_alone(place: Place, *, break_lock: bool) -> None:
    engine = Asked(place, {"stack init": LOCKED}, break_lock=break_lock)

    with pytest.raises(RehearsalError, match="ci@runner"):
        engine.claim(NAME, lambda _: None)

    assert (f"cancel {NAME}" in engine.asked) is break_lock


def test_a_lock_of_a_stack_that_was_never_made_is_told_by_its_file(place: Place) -> None:
    answers = {"stack init": LOCKED, "cancel": f"error: no stack named '{NAME}' found"}

    with pytest.raises(RehearsalError, match="killed while it made the stack") as refused:
        Asked(place, answers, break_lock=True).claim(NAME, lambda _: None)

    assert refused.value.where == f"s3://b/.pulumi/locks/{NAME}/0a.json"


def test_pulumi_cloud_names_no_holder_so_nothing_is_broken(place: Place) -> None:
    told = "error: [409] Conflict: Another update is currently in progress."
    engine = Asked(place, {"stack init": told}, break_lock=True)

    with pytest.raises(RehearsalError, match="pulumi cancel --stack"):
        engine.claim(NAME, lambda _: None)

    assert engine.asked == [f"stack init {NAME}"]


def test_the_lock_of_one_killed_while_it_made_its_stack_goes_without_pulumi(place: Place) -> None:
    lock = lock_file(place, {"pid": 2**22 + 1})
    told: list[str] = []

    Engine(place.project, NAME, Path("/nowhere/pulumi"), {}).release_stale_lock(told.append)

    assert (lock.exists(), len(told)) == (False, 1)


def test_another_failure_is_told_in_pulumis_own_words(place: Place) -> None:
    with pytest.raises(RehearsalError, match="no such bucket") as failed:
        Asked(place, {"stack init": "error: no such bucket"}).claim(NAME, lambda _: None)

    assert isinstance(failed.value.__cause__, CommandError)


def test_of_a_failed_up_its_diagnostics_are_told_and_no_plugins_place(place: Place) -> None:
    warning = "warning: using pulumi-resource-aws from $PATH at /p/pulumi-resource-aws"
    failed = ["  aws:elasticache:User (broker-fleet):", "    error: User x already exists"]
    told = ["error: update failed", "Updating (x):", "Diagnostics:", warning, *failed]
    told += ["Resources:", "    + 22 created", *([warning] * 20)]

    with pytest.raises(RehearsalError) as caught:
        Asked(place, {"up": "\n".join(told)})._up(NAME, print)

    assert caught.value.why.splitlines() == failed
