"""An audit passes only where every package was looked up and no hole is left open."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from supply import audit
from supply.advisories import Hole, known_holes
from supply.audit import EXCEPTIONS, asked, batches, exceptions, judge
from supply.locks import LOCKS, SupplyError, read

TODAY = date(2026, 1, 2)
HOLE = Hole("aiohttp", "3.9.1", "PYSEC-1", ("3.9.2",), "requirements.txt")
AMQP, AIOHTTP = ("amqp", "3.9.1"), ("aiohttp", "3.9.1")
PINNED = dict.fromkeys([AMQP, AIOHTTP], "requirements.txt")
EXCEPTION = "- {package: aiohttp, id: PYSEC-1, reason: not reached, until: %s}\n"
ADVISORY = """\
id: PYSEC-7
affected:
- package: {name: celery, ecosystem: PyPI}
  ranges:
  - {type: GIT, events: [{introduced: "0"}, {fixed: 0f1e}]}
  - {type: ECOSYSTEM, events: [%s]}
  versions: [5.7.0rc9]
"""


def dependency(name: str = "aiohttp", **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "3.9.1", "vulns": [], **more}


def database(folder: Path, events: str, package: str = "celery", more: str = "") -> Path:
    file = folder / "vulns" / package / "PYSEC-7.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(ADVISORY % events + more)
    return folder


def test_a_hole_is_told_with_its_package_lock_and_mend() -> None:
    found = dependency(vulns=[{"id": "PYSEC-1", "fix_versions": ["3.9.2"]}])

    holes = asked({"dependencies": [dependency("amqp"), found]}, [AMQP, AIOHTTP], PINNED)

    assert holes == [HOLE]
    assert judge(holes, {}) == ["requirements.txt: aiohttp 3.9.1 has PYSEC-1, mended in 3.9.2"]


@pytest.mark.parametrize(
    "reported",
    [
        [],
        [dependency()],
        [dependency(), {"name": "amqp", "skip_reason": "not found on PyPI"}],
        [dependency(), dependency("amqp", version="3.9.0")],
    ],
    ids=["none", "left out", "skipped", "another version"],
)
def test_a_package_that_could_not_be_looked_up_is_no_pass(reported: list[dict[str, Any]]) -> None:
    with pytest.raises(SupplyError, match=r"amqp 3\.9\.1 and . more .* looked up.*ADVISORIES="):
        asked({"dependencies": reported}, [AMQP, AIOHTTP], PINNED)


def test_every_pin_is_in_a_batch_whatever_its_marker_says_and_no_name_is_twice_in_one() -> None:
    pins = [("numpy", "2.4.6"), ("numpy", "2.5.5"), ("amqp", "5.4.2"), ("amqp", "5.4.2")]

    assert batches(pins) == [(("numpy", "2.5.5"),), (("amqp", "5.4.2"), ("numpy", "2.4.6"))]


def test_what_is_asked_of_the_index_is_every_pin_of_every_lock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[str, str]] = []

    def answers(batch: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        seen.extend(batch)
        return {"dependencies": [dependency(name, version=version) for name, version in batch]}

    monkeypatch.setattr(audit, "_pip_audit", answers)

    assert audit.main([]) == 0
    assert sorted(seen) == sorted({(p.name, p.version) for lock in LOCKS for p in read(lock)})
    assert f"no known hole in {len(seen)} pins of 5 lock files" in capsys.readouterr().out


def test_an_exception_closes_the_hole_that_it_names_and_no_other() -> None:
    excepted = exceptions(EXCEPTION % "2026-02-01", TODAY)
    other = Hole("aiohttp", "3.9.1", "PYSEC-2", (), "requirements.txt")

    assert judge([HOLE, other], excepted) == [
        "requirements.txt: aiohttp 3.9.1 has PYSEC-2, mended in no release yet"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (EXCEPTION % "2026-01-02", "PYSEC-1 of aiohttp ended on 2026-01-02"),
        (EXCEPTION % (TODAY + timedelta(days=181)), "more than 180 days"),
        (EXCEPTION % "soon", "needs package, id, reason and until"),
        ("- {package: aiohttp, id: PYSEC-1, until: 2026-02-01}\n", "needs package, id, reason"),
        ("- {id: PYSEC-1, reason: r, until: 2026-02-01}\n", "PYSEC-1 of no package needs"),
    ],
)
def test_an_exception_without_an_end_or_a_reason_is_refused(text: str, told: str) -> None:
    with pytest.raises(SupplyError, match=told):
        exceptions(text, TODAY)


def test_the_exceptions_in_force_have_reasons_and_are_of_packages_in_a_lock() -> None:
    # Not judged by today's date: what has ended fails the audit, and no other commit's tests.
    ends = [entry["until"] for entry in yaml.safe_load(EXCEPTIONS.read_text())]
    first = min(ends, default=TODAY) - timedelta(days=1)
    pinned = {pin.name for lock in LOCKS for pin in read(lock)}

    assert {package for package, _ in exceptions(EXCEPTIONS.read_text(), first)} <= pinned


@pytest.mark.parametrize(
    ("events", "hit"),
    [
        ('{introduced: "0"}', True),
        ('{introduced: "0"}, {fixed: "5.7.1"}', True),
        ('{introduced: "0"}, {fixed: "5.7.0"}', False),
        ('{introduced: "0"}, {last_affected: "5.7.0"}', True),
        ('{introduced: "0"}, {last_affected: "5.6.9"}', False),
        ('{introduced: "5.7.1"}', False),
        ('{introduced: "0"}, {fixed: "5.1"}, {introduced: "5.7.0"}', True),
    ],
)
def test_a_clone_of_the_database_is_read_by_its_ranges(
    tmp_path: Path, events: str, *, hit: bool
) -> None:
    holes = known_holes("worker_image/requirements.txt", database(tmp_path, events))

    assert [(hole.package, hole.version, hole.id) for hole in holes] == (
        [("celery", "5.7.0", "PYSEC-7")] if hit else []
    )


def test_a_version_that_is_named_is_hit_whatever_the_ranges_say(tmp_path: Path) -> None:
    folder = database(tmp_path, '{introduced: "0"}, {fixed: "1.0"}')
    file = folder / "vulns" / "celery" / "PYSEC-7.yaml"
    file.write_text(file.read_text().replace("5.7.0rc9", "5.7.0"))

    assert known_holes("worker_image/requirements.txt", folder)


def test_a_withdrawn_advisory_and_one_of_another_package_are_passed_over(tmp_path: Path) -> None:
    withdrawn = database(tmp_path / "a", '{introduced: "0"}', more='withdrawn: "2026"\n')
    other = database(tmp_path / "b", '{introduced: "0"}', package="not-ours")

    for folder in (withdrawn, other):
        assert known_holes("worker_image/requirements.txt", folder) == []


def test_a_folder_that_is_no_clone_ends_the_audit_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main([str(tmp_path)]) == 1
    assert "it is no clone of advisory-database" in capsys.readouterr().err


def test_an_open_hole_ends_the_audit_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main([str(database(tmp_path, '{introduced: "0"}'))]) == 1

    told = capsys.readouterr().err
    assert "worker_image/requirements.txt: celery 5.7.0 has PYSEC-7" in told
    assert "error: 2 findings" in told


def test_a_clone_without_a_hole_of_ours_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main([str(database(tmp_path, '{introduced: "99"}'))]) == 0
    assert "pins of 5 lock files" in capsys.readouterr().out


def test_an_index_that_cannot_be_reached_ends_the_audit_with_one_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_network(*_: object, **__: object) -> object:
        return type("Done", (), {"stdout": "", "stderr": "ConnectionError: no route\n"})

    monkeypatch.setattr("supply.audit.subprocess.run", no_network)

    assert audit.main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip-audit gave no report (ConnectionError: no route)" in line
