"""State files appear whole, for their owner only, and a failing disk is told."""

import errno
import os
import stat
from pathlib import Path

import pytest

from rehearsal.control_plane.files import make_folder, write_atomically, write_if_changed
from rehearsal.errors import RehearsalError


def test_a_written_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_atomically(tmp_path / "secret", "x")

    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_full_disk_leaves_the_old_content_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RehearsalError, match="No space left") as caught:
        write_atomically(path, "new")

    assert "disk space" in caught.value.mend
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(RehearsalError, match="remove the file") as caught:
        make_folder(tmp_path / "state")

    assert caught.value.where == tmp_path / "state"


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "same"
    write_atomically(path, "x")
    before = path.stat().st_ino

    write_if_changed(path, "x")

    assert path.stat().st_ino == before
