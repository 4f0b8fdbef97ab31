"""The API's outbox: what is stored, in what order it is sent, and whose it is after a crash."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.worker_api_stage import LABEL, TOKEN, Fleet, ask
from worker_image import outbox_file
from worker_image.api_routes import Ports, create_api
from worker_image.broker import BrokerAwayError
from worker_image.outbox import Outbox, StoredResults
from worker_image.outbox_file import OutboxFile, open_or_exit
from worker_image.publish import Accepted, RefusedError, RoutedTask, TaskMessage, TaskRequest
from worker_image.results import TaskOutcome


@dataclass
class Broker:
    """Takes messages once by their marks, as Redis does, while it is there."""

    away: bool = False
    loses_answers: bool = False
    """Whether it takes a message and does not answer."""
    refuses: set[str] = field(default_factory=set)
    tries: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    def checked(self, asked: TaskRequest) -> TaskMessage:
        name, key = str(asked.kwargs["path"]), asked.idempotency_key
        task_id = f"{key}/{name}" if key else name
        return TaskMessage(asked.task, task_id, dict(asked.kwargs), {}, f"mark-{name}", key, name)

    def check_unsent(self, message: TaskMessage) -> None:
        if message.arguments["path"] == "huge":
            raise RefusedError("too large")

    def send(self, message: TaskMessage) -> str:
        self.tries.append(message.task_id)
        if self.away:
            raise BrokerAwayError("gone")
        if message.task_id in self.refuses:
            raise RefusedError("used for another request")
        if message.mark not in self.marks:
            self.marks.add(message.mark)
            self.taken.append(message.task_id)
        if self.loses_answers:
            raise BrokerAwayError("no answer")
        return message.task_id

    def tasks(self) -> Iterable[RoutedTask]:
        return ()

    def forget(self, marks: Sequence[str]) -> None:
        if self.away:
            raise BrokerAwayError("gone")
        self.marks.difference_update(marks)

    def fail(self, task_id: str, error: Exception) -> None:
        self.failed[task_id] = str(error)


@dataclass
class Pod:
    """A process of the API: `crash` ends it as SIGKILL does."""

    broker: Broker
    file: OutboxFile

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.broker, self.file, self.broker.forget, self.broker.fail)

    def ask(self, name: str, key: str | None = None) -> Accepted:
        return self.outbox.publish(TaskRequest(LABEL, {"path": name}, idempotency_key=key))

    def store(self, names: Iterable[str]) -> None:
        """Ask for each while the broker is away; it is back then."""
        self.broker.away = True
        assert all(self.ask(name).stored for name in names)
        self.broker.away = False

    def crash(self) -> None:
        self.file.close()


class Folder:
    """The folder that pods share."""

    def __init__(self, path: Path, broker: Broker) -> None:
        self.path = path
        self.broker = broker
        self.pods: list[Pod] = []

    def pod(self) -> Pod:
        self.pods.append(Pod(self.broker, OutboxFile(self.path, "api-1")))
        return self.pods[-1]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def folder(tmp_path: Path, broker: Broker) -> Iterator[Folder]:
    made = Folder(tmp_path / "outbox", broker)
    yield made
    for pod in made.pods:
        pod.file._db.close()


def test_a_request_is_sent_at_once_while_the_broker_answers(folder: Folder, broker: Broker) -> None:
    pod = folder.pod()

    assert pod.ask("a") == Accepted("a", stored=False)
    assert broker.taken == ["a"]
    assert pod.outbox.filling().rows == 0


def test_stored_requests_are_sent_in_the_order_they_came_in(folder: Folder, broker: Broker) -> None:
    pod, names = folder.pod(), [f"n{n:02}" for n in range(50)]
    broker.away = True

    assert all(pod.ask(name).stored for name in names)
    with pytest.raises(BrokerAwayError):
        pod.outbox.turn()
    broker.away = False
    pod.outbox.turn()

    assert broker.taken == names
    assert pod.outbox.filling().rows == pod.outbox.filling().size_bytes == 0


def test_while_stored_ones_wait_new_ones_go_behind_them_without_a_try(
    folder: Folder, broker: Broker
) -> None:
    pod = folder.pod()
    pod.store("a")

    assert pod.ask("b").stored
    assert broker.tries == ["a"]
    pod.outbox.turn()
    assert broker.taken == ["a", "b"]
    assert not pod.ask("c").stored


def test_a_broker_that_goes_in_between_leaves_the_rest_in_order(
    folder: Folder, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = folder.pod()
    pod.store("abcd")
    send = broker.send

    def until_c(message: TaskMessage) -> str:
        broker.away = message.task_id == "c"
        return send(message)

    monkeypatch.setattr(broker, "send", until_c)
    with pytest.raises(BrokerAwayError):
        pod.outbox.turn()

    assert (broker.taken, pod.outbox.filling().rows, pod.outbox.away) == (["a", "b"], 2, True)
    monkeypatch.undo()
    broker.away = False
    pod.outbox.turn()
    assert broker.taken == ["a", "b", "c", "d"]


def test_what_was_taken_though_its_answer_was_lost_is_stored_and_taken_once(
    folder: Folder, broker: Broker
) -> None:
    pod = folder.pod()
    broker.loses_answers = True

    assert pod.ask("a").stored
    broker.loses_answers = False
    pod.outbox.turn()

    assert (broker.tries, broker.taken) == (["a", "a"], ["a"])


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


def test_a_repeated_key_is_told_the_same_task_and_stored_once(
    folder: Folder, broker: Broker
) -> None:
    pod = folder.pod()
    broker.away = True

    first, again = pod.ask("a", key="order-7"), pod.ask("a", key="order-7")

    assert first == again == Accepted("order-7/a", stored=True)
    assert pod.outbox.filling().rows == 1
    with pytest.raises(RefusedError, match="'order-7' is used by another request"):
        pod.ask("b", key="order-7")


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


def test_above_the_most_rows_or_bytes_a_request_is_refused_as_without_an_outbox(
    folder: Folder, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = folder.pod()
    broker.away = True
    monkeypatch.setattr(outbox_file, "MAX_ROWS", 2)
    pod.ask("a")
    pod.ask("b")

    with pytest.raises(BrokerAwayError, match=r"2 requests of .* bytes are stored already"):
        pod.ask("c")
    monkeypatch.undo()
    monkeypatch.setattr(outbox_file, "MAX_BYTES", pod.outbox.filling().size_bytes + 10)
    with pytest.raises(BrokerAwayError, match="are stored already"):
        pod.ask("c")

    assert pod.outbox.filling().rows == 2


def test_a_disk_that_takes_nothing_is_told_as_a_broker_that_is_away(
    folder: Folder, broker: Broker
) -> None:
    pod = folder.pod()
    broker.away = True
    pod.file._db.execute("PRAGMA query_only = ON")

    with pytest.raises(BrokerAwayError, match="the request cannot be stored: attempt to write"):
        pod.ask("a")
    assert not pod.outbox.away


def test_what_sending_would_refuse_is_not_stored(folder: Folder, broker: Broker) -> None:
    pod = folder.pod()
    broker.away = True

    with pytest.raises(RefusedError, match="too large"):
        pod.ask("huge")

    assert pod.outbox.filling().rows == 0


def test_marks_go_once_nobody_can_send_their_message_again(folder: Folder, broker: Broker) -> None:
    pod = folder.pod()
    pod.ask("direct")
    pod.ask("keyed", key="order-7")
    broker.away = True
    pod.ask("stored")
    with pytest.raises(BrokerAwayError):
        pod.outbox.turn()
    assert broker.marks == {"mark-direct", "mark-keyed"}
    broker.away = False

    pod.outbox.turn()

    assert broker.marks == {"mark-stored", "mark-keyed"}


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


def test_a_stored_tasks_result_is_pending_though_no_store_can_tell(
    folder: Folder, broker: Broker
) -> None:
    pod, fleet = folder.pod(), Fleet(trouble=BrokerAwayError("gone"))
    broker.away = True
    pod.ask("a")
    results = StoredResults(pod.outbox, fleet)

    assert results.outcome("a") == TaskOutcome("pending")
    with pytest.raises(BrokerAwayError):
        results.outcome("b")


@pytest.mark.parametrize("path", ["/create", "/api/v1/tasks/labeling/label_image"])
def test_the_api_answers_202_and_says_stored(path: str) -> None:
    fleet = Fleet(stores=True)
    api = create_api(Ports(*[fleet] * 6), TOKEN)
    arguments = {"path": "x"}
    body = {"task": LABEL, "kwargs": arguments} if path == "/create" else arguments

    answer = ask(api, "POST", path, json=body)

    assert (answer.status_code, answer.json()) == (202, {"task_id": "id-1", "status": "stored"})


def test_the_api_tells_what_is_stored_and_only_where_there_is_an_outbox(
    folder: Folder, broker: Broker
) -> None:
    fleet, pod = Fleet(), folder.pod()
    broker.away = True
    pod.ask("a")
    ports = (fleet,) * 6

    told = ask(create_api(Ports(*ports, pod.outbox), TOKEN), "GET", "/api/v1/outbox").json()

    assert (told["stored"], told["broker_away"]) == (1, True)
    assert told["size_bytes"] == pod.outbox.filling().size_bytes > 0
    assert 0 <= told["oldest_seconds"] < 60
    without = create_api(Ports(*ports), TOKEN)
    assert ask(without, "GET", "/api/v1/outbox").status_code == 404
