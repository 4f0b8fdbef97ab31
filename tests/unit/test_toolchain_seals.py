"""A cached tool is trusted only as long as it is what was built."""

import os
from pathlib import Path

import pytest

from rehearsal.toolchain import seals
from rehearsal.toolchain.seals import State, inspect, install


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """Return a tool that is installed with its record beside it."""
    built = tmp_path / "unfinished"
    built.write_bytes(b"program")
    built.chmod(0o755)
    install(built, tmp_path / "bin" / "etcd", tmp_path / "seals" / "etcd")
    return tmp_path / "bin" / "etcd"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "seals" / "etcd"


def test_an_installed_tool_is_intact_and_nothing_else_is_left(tool: Path, record: Path) -> None:
    assert inspect(tool, record) is State.INTACT
    assert list(record.parent.iterdir()) == [record]


def test_an_untouched_tool_is_not_read_again(
    tool: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "digest", lambda _path: pytest.fail("was read"))

    assert inspect(tool, record) is State.INTACT


def test_a_tool_that_was_never_built_is_absent(tmp_path: Path) -> None:
    assert inspect(tmp_path / "etcd", tmp_path / "seal") is State.ABSENT


def test_a_changed_byte_breaks_a_tool_though_its_size_is_the_same(tool: Path, record: Path) -> None:
    tool.write_bytes(b"progrbm")

    assert inspect(tool, record) is State.BROKEN


def test_a_truncated_tool_is_broken(tool: Path, record: Path) -> None:
    os.truncate(tool, 3)

    assert inspect(tool, record) is State.BROKEN


def test_a_tool_restored_with_another_time_is_intact(tool: Path, record: Path) -> None:
    os.utime(tool, (1, 1))

    assert inspect(tool, record) is State.INTACT


@pytest.mark.parametrize("text", [None, "", "[]", '{"sha256": "ab"}'])
def test_a_tool_without_a_whole_record_is_broken(
    tool: Path, record: Path, text: str | None
) -> None:
    record.unlink()
    if text is not None:
        record.write_text(text)

    assert inspect(tool, record) is State.BROKEN


def test_a_tool_that_may_not_be_run_is_broken(tool: Path, record: Path) -> None:
    tool.chmod(0o644)

    assert inspect(tool, record) is State.BROKEN


def test_a_folder_that_lost_a_file_is_broken_until_it_is_installed_anew(tmp_path: Path) -> None:
    target, record = tmp_path / "crds", tmp_path / "seals" / "crds"
    install(_folder(tmp_path), target, record)
    assert inspect(target, record) is State.INTACT

    (target / "b.yaml").unlink()
    assert inspect(target, record) is State.BROKEN

    install(_folder(tmp_path), target, record)
    assert inspect(target, record) is State.INTACT


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    folder.mkdir()
    for name in ("a.yaml", "b.yaml"):
        (folder / name).write_text(name)
    return folder
