"""What is read off Pulumi: its events, its locks."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fleet import engine_lock
from fleet.engine import Engine
from fleet.engine_events import EventTail, UpdateView, planned_changes
from fleet.project import Project


def outputs(op: str, name: str, *, planning: bool = False) -> dict[str, Any]:
    urn = f"urn:pulumi:local::celery-fleet::kubernetes:apps/v1:Deployment::{name}"
    return {"resOutputsEvent": {"metadata": {"op": op, "urn": urn}, "planning": planning}}


def diagnostic(severity: str, message: str, urn: str = "") -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message, "urn": urn}}


def seen(*events: dict[str, Any]) -> UpdateView:
    view = UpdateView()
    for event in events:
        view.see(event)
    return view


PREVIEW = """Previewing update (local):
 +  kubernetes:apps/v1:Deployment beat create
Resources:
    + 2 to create
    ~ 1 to update
    +-1 to replace
    10 unchanged
"""


def test_only_what_the_update_itself_changes_counts() -> None:
    view = seen(
        outputs("create", "beat", planning=True),
        outputs("same", "home"),
        outputs("create", "worker-labeling"),
    )
    view.total = 3

    assert str(view) == "1/3 resources, latest: worker-labeling"


def test_before_the_previews_end_no_number_is_made_up() -> None:
    assert str(seen(outputs("create", "beat", planning=True))) == "previewing"
    assert planned_changes(PREVIEW) is None


def test_the_preview_gives_the_total() -> None:
    output = PREVIEW + "\nUpdating (local):\n    + 9 to create\n"

    assert planned_changes(output) == 4


def test_errors_are_kept_once_each_and_without_colour_marks() -> None:
    broken = diagnostic("error", "<{%fg 1%}>no such image<{%reset%}>\n", "urn:x::beat")
    view = seen(broken, broken, diagnostic("warning", "old"), diagnostic("error", ""))

    assert view.errors == ["beat: no such image"]


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    log, tail = tmp_path / "events", EventTail(tmp_path / "events")
    assert tail.read() == []

    log.write_text('{"a": 1}\n{"b":')
    assert tail.read() == [{"a": 1}]

    with log.open("a") as file:
        file.write(" 2}\n")
    assert tail.read() == [{"b": 2}]


def test_a_log_that_is_cut_is_read_from_its_start(tmp_path: Path) -> None:
    log, tail = tmp_path / "events", EventTail(tmp_path / "events")
    log.write_text('{"preview": 1}\n{"preview": 2}\n')
    tail.read()

    log.write_text('{"update": 1}\n')

    assert tail.read() == [{"update": 1}]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Project(tmp_path, tmp_path), "local", Path("/nowhere/pulumi"), {})


def leave_lock(engine: Engine, content: str) -> None:
    folder = engine.project.backend / ".pulumi/locks/organization/celery-fleet/local"
    folder.mkdir(parents=True)
    (folder / "0a1b.json").write_text(content)


@pytest.mark.parametrize(
    "content",
    ["", "{}", json.dumps({"pid": 2**22 + 1}), json.dumps({"pid": os.getpid()})],
    ids=["empty", "nobody", "gone", "no pulumi"],
)
def test_a_lock_of_no_living_pulumi_has_no_holder(engine: Engine, content: str) -> None:
    leave_lock(engine, content)

    assert engine_lock.holders(engine.project, "local") == []


def test_without_a_lock_nothing_is_cancelled(engine: Engine) -> None:
    told: list[str] = []

    engine.release_stale_lock(told.append)

    assert told == []
