"""The outbox's files: whose they are after a crash, and that they are whole and private."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.outbox_stage import Broker, Folder, shared
from worker_image import outbox_file
from worker_image.broker import BrokerAwayError
from worker_image.outbox_file import open_or_exit


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def folder(tmp_path: Path, broker: Broker) -> Iterator[Folder]:
    with shared(tmp_path, broker) as made:
        yield made


def test_a_crash_between_sending_and_removing_sends_nothing_twice(
    folder: Folder, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = folder.pod()
    pod.store("abc")

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pod.file, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        pod.outbox.turn()
    pod.crash()
    later = folder.pod()
    later.outbox.turn()

    assert (broker.tries[-3:], broker.taken) == (["a", "b", "c"], ["a", "b", "c"])
    assert later.outbox.filling().rows == 0


def test_a_pod_takes_over_the_files_of_dead_pods_and_no_others(
    folder: Folder, broker: Broker
) -> None:
    dead, alive = folder.pod(), folder.pod()
    broker.away = True
    dead.ask("a")
    dead.ask("b")
    alive.ask("c")
    dead.crash()

    heir = folder.pod()
    with pytest.raises(BrokerAwayError):
        heir.outbox.turn()

    assert [row.task_id for row in heir.file.head(9)] == ["a", "b"]
    assert [row.task_id for row in alive.file.head(9)] == ["c"]
    left = sorted(file.name for file in folder.path.iterdir())
    kept = [pod.file.path.name for pod in (alive, heir)]
    assert left == sorted([*kept, *(f"{name}.lock" for name in kept)])


def test_a_pods_own_file_is_never_taken_over_though_its_lock_could_be_had(
    folder: Folder, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = folder.pod()
    broker.away = True
    pod.ask("a")
    monkeypatch.setattr(outbox_file, "_locked", lambda lock: os.open(lock, os.O_RDWR))

    pod.file.adopt()

    assert pod.file.path.exists()
    assert pod.outbox.filling().rows == 1


def test_a_take_over_that_broke_off_is_done_again_and_doubles_nothing(
    folder: Folder, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = folder.pod()
    dead.store("a")
    dead.crash()

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", full)
        folder.pod().outbox.turn()
    assert dead.file.path.exists()
    folder.pod().outbox.turn()

    assert broker.taken == ["a"]
    assert not dead.file.path.exists()


def test_a_file_that_cannot_be_read_stays_and_keeps_nobody_from_the_next(
    folder: Folder, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broken, dead = folder.pod(), folder.pod()
    dead.store("a")
    broken.crash()
    broken.file.path.write_bytes(b"no database" * 100)
    dead.crash()

    folder.pod().outbox.turn()

    assert broker.taken == ["a"]
    assert broken.file.path.exists()
    assert f"{broken.file.path} is left where it is" in caplog.text


def test_files_of_two_pods_with_one_key_are_both_taken_over(folder: Folder, broker: Broker) -> None:
    broker.away = True
    for name in "ab":
        pod = folder.pod()
        pod.ask(name, key="order-7")
        pod.crash()
    broker.away = False
    broker.refuses = {"order-7/b"}

    folder.pod().outbox.turn()

    assert broker.taken == ["order-7/a"]
    assert broker.failed == {"order-7/b": "used for another request"}


def test_rows_are_on_disk_when_a_request_is_answered_and_nobody_else_may_read_them(
    folder: Folder, broker: Broker
) -> None:
    pod = folder.pod()
    broker.away = True
    pod.ask("a")

    with closing(sqlite3.connect(f"file:{pod.file.path}?mode=ro", uri=True)) as looking:
        assert looking.execute("SELECT task_id FROM stored").fetchall() == [("a",)]
    assert pod.file._db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert pod.file._db.execute("PRAGMA synchronous").fetchone() == (3,)
    assert pod.file.path.stat().st_mode & 0o077 == 0
    assert folder.path.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_ends_the_process_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SystemExit) as ended:
        open_or_exit(tmp_path / "file" / "outbox", "api-1")

    told = str(ended.value.code)
    assert told.startswith(
        f"worker_image cannot start:\nFLEET_OUTBOX_DIR is '{tmp_path}/file/outbox'"
    )
    assert "Not a directory" in told
