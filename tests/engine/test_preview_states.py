"""Previews in a shared state backend, S3 by moto: made, listed, taken down, and who locks them."""

import io
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from fleet.previews import down, records
from fleet.previews.checkout import Branches
from fleet.previews.held import OLD
from fleet.previews.reap import due
from rehearsal.errors import RehearsalError
from rehearsal.toolchain import Tools
from tests.engine.bucket_stage import Stage, end, staged
from tests.unit.preview_stage import BRANCH, EXPIRES, NAME

pytestmark = pytest.mark.engine

AFTER = EXPIRES + timedelta(seconds=1)


@pytest.fixture
def stage(tmp_path: Path, tools: Tools, plugin_folder: Path) -> Iterator[Stage]:
    with staged(tmp_path / "project", tools.pulumi, plugin_folder) as made:
        yield made


def taken_down(stage: Stage, **breaking: bool) -> bool:
    engine = stage.engine(**breaking)
    return down.run(stage.place, engine, NAME, Console(file=io.StringIO()))


def test_a_preview_in_a_bucket_is_made_listed_reaped_and_gone(stage: Stage) -> None:
    stage.bring_up_base()
    config = stage.made(up=True)

    (found,) = records.previews(stage.place, stage.engine())
    assert (found.name, found.told, found.state(EXPIRES - timedelta(hours=1))) == (
        *(NAME, config.preview),
        "empty",
    )
    branches = Branches(frozenset({BRANCH}), AFTER)
    assert [each.name for each in due([found], branches, AFTER)] == [NAME]
    # Another checkout than the one that made it takes it down.
    stage.place.project.stack_file(NAME).unlink()
    assert records.told(stage.engine(), NAME) == config.preview
    assert taken_down(stage)

    assert [key for key in stage.objects() if NAME in key] == []
    assert stage.engine().previews() == {}
    assert stage.engine().output("local", "base")
    assert not taken_down(stage)


def test_a_lock_of_a_killed_up_is_told_and_broken_on_request_alone(stage: Stage) -> None:
    stage.made()
    with stage.at_work() as up:
        with pytest.raises(RehearsalError, match=f"it is at work on this machine .pid {up.pid}"):
            taken_down(stage, break_lock=True)
        assert len(stage.locks()) == 1
        end(up)
    with pytest.raises(RehearsalError, match="it died on this machine") as refused:
        taken_down(stage)

    assert f"@{socket.gethostname()} (pid {up.pid}) since" in refused.value.why
    assert "--break-lock" in refused.value.mend
    assert len(stage.locks()) == 1
    assert taken_down(stage, break_lock=True)
    assert [key for key in stage.objects() if NAME in key] == []


@pytest.mark.parametrize("asked", ["break_lock", "break_old_lock"])
@pytest.mark.parametrize("age", [OLD / 2, OLD * 2], ids=["young", "old"])
def test_a_lock_of_another_machine_is_broken_once_it_is_old(
    stage: Stage, age: timedelta, asked: str
) -> None:
    stage.made()
    since = datetime.now(UTC) - age
    stage.leave_lock(
        pid=os.getpid(), username="ci", hostname="runner-7", timestamp=since.isoformat()
    )

    with pytest.raises(RehearsalError, match=r"ci@runner-7 \(pid \d+\) since") as refused:
        taken_down(stage)

    if age < OLD:
        with pytest.raises(RehearsalError, match="cannot be told from here before"):
            taken_down(stage, **{asked: True})
        assert "pulumi cancel" in refused.value.mend
        assert NAME in stage.engine().previews()
    else:
        assert taken_down(stage, **{asked: True})
        assert stage.engine().previews() == {}
