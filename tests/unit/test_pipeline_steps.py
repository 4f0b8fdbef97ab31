"""What is carried out is what was previewed, judged and approved; `pulumi` is a stand-in."""

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.pipeline import steps
from fleet.pipeline.engine import Pulumi
from rehearsal.errors import RehearsalError
from tests.unit.stand_ins import stand_in
from tests.unit.test_pipeline_changes import step, summary

POLICIES = ["--policy-pack", "policy", "--policy-pack-config", "policies.json"]


def previewed(*events: dict[str, Any], code: int = 0, whole: bool = True) -> dict[str, Any]:
    lines = [*events, *([summary(update=1)] if whole else [])]
    log = "".join(f"{json.dumps(line)}\n" for line in lines)
    return {"code": code, "files": {"--event-log": log, "--save-plan": "{}"}}


CHANGE = previewed(step("update", "worker-default"))


@pytest.fixture
def pulumi(tmp_path: Path) -> Pulumi:
    """A project with a stack that builds its image."""
    (tmp_path / "Pulumi.prod.yaml").write_text(
        'config: {"celery-fleet:image": {build: {revision: "0.1.0"}}}\n'
    )
    return Pulumi(tmp_path, "prod")


def test_show_judges_by_the_policies_and_leaves_the_digest(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stand_in("pulumi", tmp_path, monkeypatch, CHANGE)
    page, answers = tmp_path / "page.md", tmp_path / "answers"

    seen = steps.show(pulumi, page, answers)

    (call,) = engine.calls
    assert call["args"][:5] == ["preview", *POLICIES]
    assert call["args"][-5:] == ["--stack", "prod", "--non-interactive", "--color", "never"]
    assert answers.read_text() == f"digest={seen.digest}\n"
    assert "1 to update" in page.read_text()


def test_up_carries_out_the_plan_that_its_own_preview_has_saved(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stand_in("pulumi", tmp_path, monkeypatch, CHANGE)

    steps.up(pulumi, None, None)

    preview, up = (call["args"] for call in engine.calls)
    plan = preview[preview.index("--save-plan") + 1]
    assert up[:4] == ["up", "--yes", "--plan", plan]
    assert up[4:8] == POLICIES
    assert not Path(plan).exists()


def test_up_refuses_what_was_not_approved_before_anything_is_changed(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stand_in("pulumi", tmp_path, monkeypatch, CHANGE)
    shown = steps.show(pulumi, None, None).digest
    steps.up(pulumi, None, shown)
    assert [call["args"][0] for call in engine.calls] == ["preview", "preview", "up"]

    with pytest.raises(RehearsalError, match="otherwise than was approved"):
        steps.up(pulumi, None, f"{shown}0")
    assert [call["args"][0] for call in engine.calls[3:]] == ["preview"]


@pytest.mark.parametrize(
    "broken",
    [previewed(code=255), previewed(whole=False), {"code": 0}],
    ids=["it failed", "it broke off", "it told nothing"],
)
def test_a_preview_that_did_not_end_well_is_neither_shown_as_approvable_nor_carried_out(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: dict[str, Any]
) -> None:
    engine = stand_in("pulumi", tmp_path, monkeypatch, broken)
    answers = tmp_path / "answers"

    for run in (lambda: steps.show(pulumi, None, answers), lambda: steps.up(pulumi, None, None)):
        with pytest.raises(RehearsalError, match="`pulumi preview` of stack prod ended with"):
            run()

    assert not answers.exists()
    assert {call["args"][0] for call in engine.calls} == {"preview"}


def test_what_is_left_of_an_approved_up_is_approved_again(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {"code": 255}
    stand_in("pulumi", tmp_path, monkeypatch, CHANGE, CHANGE, failed, CHANGE, failed)
    shown = steps.show(pulumi, None, None).digest

    with pytest.raises(RehearsalError, match="whole workflow again and approve what is left"):
        steps.up(pulumi, None, shown)
    with pytest.raises(RehearsalError, match="run the job again: it carries on"):
        steps.up(pulumi, None, None)


def test_drift_refreshes_changes_nothing_there_and_names_what_differs(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    drifted = previewed(step("update", "worker-default"), code=255)
    ends = (previewed(), drifted, previewed(code=255))
    nothing = {"stdout": "{}"}
    asked = [answer for end in ends for answer in (nothing, end)]
    engine = stand_in("pulumi", tmp_path, monkeypatch, *asked)

    steps.drift(pulumi, page)
    with pytest.raises(RehearsalError, match=r"has drifted[^!]*update worker-default"):
        steps.drift(pulumi, page)
    with pytest.raises(RehearsalError, match="`pulumi preview` of stack prod ended with 255"):
        steps.drift(pulumi, page)

    for call in engine.calls[1::2]:
        assert call["args"][:3] == ["preview", "--refresh", "--expect-no-changes"]
        assert call["env"]["PULUMI_DEBUG_COMMANDS"] == "true"
    assert "1 to update" in page.read_text()


def test_the_commit_is_set_only_where_the_stack_builds_its_image(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stand_in("pulumi", tmp_path, monkeypatch)
    pulumi.set_revision("0123abc")
    (call,) = engine.calls
    path = "celery-fleet:image.build.revision"
    assert call["args"][:5] == ["config", "set", "--path", path, "0123abc"]

    (tmp_path / "Pulumi.prod.yaml").write_text('config: {"celery-fleet:image": "worker:1"}\n')
    pulumi.set_revision("0123abc")
    assert len(engine.calls) == 1


def test_without_pulumi_the_error_says_where_it_is(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RehearsalError, match=r"pulumi is not on PATH[^!]*\.ci/pulumi"):
        pulumi.preview()
