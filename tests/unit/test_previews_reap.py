"""Which previews go by themselves, how long they stay, and what is said of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fleet import preview_commands
from fleet.previews import down, records
from fleet.previews.checkout import Branches
from fleet.previews.reap import Due, due, reap
from fleet.previews.records import Preview
from fleet.previews.retold import wish_told
from fleet.previews.table import as_json, table
from fleet.previews.ttl import ttl
from fleet.project import Project
from infra.manifests.preview import preview_told
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import BRANCH, CREATED, EXPIRES, NAME, preview, wish
from tests.unit.test_previews_branches import git

BEFORE, AFTER = EXPIRES - timedelta(hours=1), EXPIRES + timedelta(seconds=1)
CONFIG = preview("staging")
UNPUSHED = preview("staging", wish(branch_seen_at=None))
THERE = Branches(frozenset({"main", BRANCH}), BEFORE)
GONE = Branches(frozenset({"main"}), BEFORE)


def one(resources: int = 20, *, at_work: bool = False, told: bool = True) -> Preview:
    return Preview(NAME, CONFIG.preview if told else None, CONFIG, resources, at_work)


def test_one_in_its_time_whose_branch_is_there_stays() -> None:
    assert list(due([one()], THERE, BEFORE)) == []


def test_one_whose_time_is_over_goes() -> None:
    (found,) = due([one()], THERE, AFTER)

    assert found == Due(NAME, "expired 2026-03-03 12:00 UTC")


def test_one_whose_branch_is_gone_goes() -> None:
    (found,) = due([one()], GONE, BEFORE)

    assert found == Due(NAME, f"branch {BRANCH} is gone")


def test_one_whose_branch_was_never_pushed_goes_by_its_time_alone() -> None:
    unpushed = replace(one(), told=UNPUSHED.preview)

    assert list(due([unpushed], GONE, BEFORE)) == []
    assert [each.reason for each in due([unpushed], GONE, AFTER)] == [
        "expired 2026-03-03 12:00 UTC"
    ]


def test_one_whose_branch_was_pushed_after_branches_were_fetched_stays() -> None:
    assert list(due([one()], replace(GONE, as_of=CREATED - timedelta(seconds=1)), BEFORE)) == []


def test_where_branches_are_not_known_time_alone_counts() -> None:
    assert list(due([one()], None, BEFORE)) == []
    assert [each.name for each in due([one()], None, AFTER)] == [NAME]


@pytest.mark.parametrize("config", [CONFIG, UNPUSHED])
def test_another_checkout_knows_whether_the_branch_was_seen(config: Any) -> None:
    engine: Any = SimpleNamespace(output=lambda _name, _key: dict(preview_told(config)))

    told = wish_told(NAME, records.told(engine, NAME), AFTER)

    assert preview("staging", told).preview == config.preview


@pytest.mark.parametrize("held", [one(at_work=True), one(told=False)])
def test_one_at_work_and_one_that_cannot_tell_whose_it_is_stay(held: Preview) -> None:
    assert list(due([held], GONE, AFTER)) == []


def test_one_that_stays_does_not_keep_the_others() -> None:
    taken: list[str] = []

    def take_down(name: str) -> None:
        if name == "a":
            raise RehearsalError("a is not taken down", "its pods stay", "end them")
        taken.append(name)

    outcomes = list(reap([Due("a", "x"), Due("b", "x")], take_down))

    assert taken == ["b"]
    assert [each.due.name for each in outcomes if each.problem] == ["a"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One that has fetched every branch, of a remote that does not answer any more."""
    remote, folder = tmp_path / "remote", tmp_path / "checkout"
    remote.mkdir()
    git(remote, "init", "--quiet", "--initial-branch", "main")
    git(remote, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(tmp_path, "clone", "--quiet", str(remote), str(folder))
    git(folder, "fetch", "--quiet", "--prune")
    git(folder, "remote", "set-url", "origin", str(tmp_path / "no-such"))
    return folder


class Reaped:
    """The command beside previews of a branch that is no more; what it takes down is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
        self.found: list[Preview] = []
        self.taken: list[str] = []
        place = SimpleNamespace(project=Project(checkout, checkout))
        self.begun: list[dict[str, bool]] = []

        def begin(*_: object, **breaking: bool) -> tuple[Any, None]:
            self.begun.append(breaking)
            return place, None

        monkeypatch.setattr(preview_commands, "_begin", begin)
        monkeypatch.setattr(records, "previews", lambda *_: self.found)
        monkeypatch.setattr(down, "run", lambda _where, _engine, name, _: self.taken.append(name))

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(preview_commands.app, ["reap", *options])


@pytest.fixture
def reaped(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> Reaped:
    found = Reaped(monkeypatch, checkout)
    expired, lasting = at(expires_in_h=-1), at(expires_in_h=1)
    found.found = [replace(expired, name="expired"), replace(lasting, name="lasting")]
    return found


def at(expires_in_h: int) -> Preview:
    expires = datetime.now(UTC) + timedelta(hours=expires_in_h)
    return replace(one(), told=preview("staging", wish(expires_at=expires)).preview)


def test_expired_previews_go_where_the_remote_does_not_answer_and_that_is_told(
    reaped: Reaped,
) -> None:
    done = reaped.run()

    assert reaped.taken == ["expired"]
    assert done.exit_code == 1, "a night in which nobody looked for branches is not a good one"
    (line,) = done.stderr.splitlines()
    assert line.startswith("branches are not looked at, only the time of each: git tells of no")


def test_branches_that_were_just_fetched_tell_which_are_gone(reaped: Reaped) -> None:
    done = reaped.run("--fetched")

    assert (done.exit_code, done.stderr) == (0, "")
    assert reaped.taken == ["expired", "lasting"]
    assert reaped.begun == [{"break_old_lock": True}]


def test_nothing_goes_in_a_dry_run_and_unknown_branches_are_told_there_too(reaped: Reaped) -> None:
    done = reaped.run("--dry-run")

    assert (done.exit_code, reaped.taken) == (1, [])
    assert "1 of 2 previews are due" in done.stdout


def test_no_remote_is_asked_for_previews_that_go_by_their_time(reaped: Reaped) -> None:
    reaped.found = [replace(one(), told=UNPUSHED.preview)]

    assert (reaped.run().exit_code, reaped.taken) == (0, [NAME])


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (one(), "up"),
        (one(1), "empty"),
        (one(at_work=True), "at work"),
        (one(told=False), "half made"),
    ],
)
def test_a_state_is_a_word_or_two(found: Preview, state: str) -> None:
    assert found.state(BEFORE) == state
    assert one().state(AFTER) == "expired"


def test_a_list_tells_age_expiry_cost_and_commit() -> None:
    (row,) = as_json([one()], BEFORE)

    assert (row["name"], row["branch"], row["commit"]) == (NAME, BRANCH, "0" * 40)
    assert row["usd_per_day_at_rest"] == pytest.approx(0.23, abs=0.01)
    cells = [next(iter(column.cells)) for column in table([one()], BEFORE).columns]
    assert cells == [NAME, BRANCH, "up", "47 h", "1 h", "0.23", "0" * 12]


@pytest.mark.parametrize(
    ("text", "time"),
    [("48h", timedelta(hours=48)), ("7d", timedelta(days=7)), ("90m", timedelta(minutes=90))],
)
def test_a_time_is_written_as_people_do(text: str, time: timedelta) -> None:
    assert ttl(text) == time


@pytest.mark.parametrize("text", ["", "48", "0h", "-1h", "31d", "1w", "forever"])
def test_a_time_that_is_none_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(RehearsalError, match="at most 30d"):
        ttl(text)
