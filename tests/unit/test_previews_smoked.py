"""`fleet preview up --smoke`: a preview that is up has to answer on every queue."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleet.previews import smoked
from fleet.previews.place import Place
from fleet.project import Project
from fleet.session import Session
from fleet.smoke.verdict import Checked
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import NAME, base, preview
from tests.unit.smoke_stage import AIM

WELL = [
    Checked(replace(AIM, queue="default"), "ok", "", 0.84, 0.012, "worker-preview-1"),
    Checked(replace(AIM, queue="labeling"), "ok", "", 1.2, 0.012, "worker-preview-1"),
]

Answer = Callable[[Sequence[Checked]], dict[str, Any]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Project(tmp_path, tmp_path / "state"), "local", base("local").config, tmp_path, {})


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Have the round end with these verdicts; returns how it was asked."""

    def given(checked: Sequence[Checked]) -> dict[str, Any]:
        asked: dict[str, Any] = {}

        def through(session: Session, _report: object, **options: Any) -> Sequence[Checked]:
            asked.update(options, session=session)
            return checked

        monkeypatch.setattr(smoked, "smoke", through)
        monkeypatch.setattr(Session, "config", preview("local"))
        return asked

    return given


def test_each_queues_wait_is_told_in_a_line_with_what_was_not_looked_at(
    place: Place, answer: Answer
) -> None:
    asked = answer(WELL)

    told = smoked.smoked(place, NAME, print)

    assert told == ("every queue in time: default 0.8 s, labeling 1.2 s; not looked at: scraping")
    assert asked["skip_gpu"], "a probe would launch a node"
    assert asked["session"].stack == NAME


def test_it_asks_the_cluster_of_the_place(place: Place, answer: Answer) -> None:
    asked = answer(WELL)

    smoked.smoked(place, NAME, print)

    assert asked["session"].elsewhere is None, "the rehearsal's own"


def test_a_queue_that_is_not_in_time_fails_it_by_name_and_reason(
    place: Place, answer: Answer
) -> None:
    answer([*WELL, Checked(AIM, "not begun", "no worker has taken the probe for 362 s")])

    with pytest.raises(RehearsalError, match="not every queue of it is in time") as raised:
        smoked.smoked(place, NAME, print)

    assert raised.value.why == "x labeling: no worker has taken the probe for 362 s"
    assert f"fleet preview logs {NAME}" in raised.value.mend
