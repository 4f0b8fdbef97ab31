"""Pods of the API with an outbox in one folder, on a broker that comes and goes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.worker_api_stage import LABEL
from worker_image.broker import BrokerAwayError
from worker_image.outbox import Outbox
from worker_image.outbox_file import OutboxFile
from worker_image.publish import Accepted, RefusedError, RoutedTask, TaskMessage, TaskRequest
from worker_image.room import is_promised


@dataclass
class Broker:
    """Takes messages once by their marks, as Redis does, while it is there."""

    away: bool = False
    loses_answers: bool = False
    """Whether it takes a message and does not answer."""
    refuses: set[str] = field(default_factory=set)
    tries: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    promised: list[str] = field(default_factory=list)
    """Tasks that are to be taken however many there are."""
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
        if is_promised():
            self.promised.append(message.task_id)
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


@contextmanager
def shared(path: Path, broker: Broker) -> Iterator[Folder]:
    """A folder of pods, whose files are closed in the end, those of crashed ones too."""
    made = Folder(path / "outbox", broker)
    yield made
    for pod in made.pods:
        pod.file._db.close()
