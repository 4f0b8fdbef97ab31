"""How long a publisher tries, what it tries again, and what it refuses to write."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu.exceptions import EncodeError, OperationalError
from kombu.utils import functional

from tests.unit.worker_stage import load
from worker_image import once, patience
from worker_image.factory import build_app
from worker_image.once import MESSAGE_MAX_BYTES, MessageTooLargeError
from worker_image.patience import PatientProducer

POLICY = {"max_retries": 3, "interval_start": 0, "interval_step": 0.5, "interval_max": 5}
TASK = {"task": "worker_image.tasks.canary.work"}


@dataclass
class Connection:
    """Stands in for a producer and its connection; fails as often as it is told to."""

    errors: list[Exception]
    tries: int = 0
    collected: int = 0
    options: list[dict[str, Any]] = field(default_factory=list)

    @property
    def connection(self) -> "Connection":
        return self

    def collect(self) -> None:
        self.collected += 1

    def revive(self, _: object) -> None:
        """Nothing has to be made anew."""

    def publish(self, _: object, **options: Any) -> str:
        self.tries += 1
        self.options.append(options)
        if self.errors:
            raise self.errors.pop(0)
        return "sent"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(functional, "sleep", slept.append)
    return slept


@pytest.mark.parametrize(
    "error",
    [
        redis.ReadOnlyError("READONLY"),
        redis.BusyLoadingError("LOADING"),
        redis.OutOfMemoryError("OOM"),
        redis.ConnectionError("refused"),
        redis.TimeoutError("no answer"),
        OperationalError("refused"),
        ConnectionResetError(),
    ],
)
def test_an_error_that_passes_is_tried_again_after_a_wait_on_a_new_connection(
    error: Exception, slept: list[float]
) -> None:
    connection = Connection([error] * 3)

    sent = PatientProducer(connection).publish("body", retry=True, retry_policy=POLICY)

    assert sent == "sent"
    assert sum(slept) == 0.5 + 1.0
    assert connection.collected == 3


@pytest.mark.parametrize("error", [KeyError("a mistake"), EncodeError("no JSON"), ValueError()])
def test_an_error_that_no_wait_mends_is_raised_at_once(
    error: Exception, slept: list[float]
) -> None:
    connection = Connection([error])

    with pytest.raises(type(error)):
        PatientProducer(connection).publish("body", retry=True, retry_policy=POLICY)

    assert (connection.tries, slept) == (1, [])


def test_the_last_error_is_raised_when_the_policy_is_used_up(slept: list[float]) -> None:
    connection = Connection([redis.ConnectionError("refused")] * 9)

    with pytest.raises(redis.ConnectionError):
        PatientProducer(connection).publish("body", retry=True, retry_policy=POLICY)

    assert connection.tries == 4
    assert slept


def test_a_caller_may_ask_for_one_try(slept: list[float]) -> None:
    connection = Connection([redis.ConnectionError("refused")])

    with pytest.raises(redis.ConnectionError):
        PatientProducer(connection).publish("body", retry=False, retry_policy=POLICY)

    assert (connection.tries, slept) == (1, [])


def test_kombu_is_left_no_retries_of_its_own() -> None:
    connection = Connection([])

    PatientProducer(connection).publish("body", retry=True, retry_policy=POLICY, headers={})

    assert connection.options == [{"headers": {}}]


def test_a_mark_outlives_every_try_of_its_message(tmp_path: Path) -> None:
    longest_wait_s = build_app(load(tmp_path)).conf.task_publish_retry_policy["interval_max"]
    try_s = patience.CONNECT_TIMEOUT_S + patience.ANSWER_TIMEOUT_S

    assert patience.TRIED_FOR_S + longest_wait_s + try_s < once.SENT_KEPT_S


def test_what_is_sent_goes_by_the_channel_that_writes_once(tmp_path: Path) -> None:
    app = build_app(load(tmp_path))
    write, read = app.connection_for_write(), app.connection_for_read()

    assert write.create_transport().Channel is once.Channel
    assert not issubclass(read.create_transport().Channel, once.Channel)
    assert write.transport_options["socket_timeout"] == patience.ANSWER_TIMEOUT_S
    # Of a consumer; its BRPOP takes longer to answer.
    assert read.transport_options["socket_timeout"] == 30


def prepare(size: int, **headers: Any) -> Any:
    channel = object.__new__(once.Channel)
    return channel.prepare_message("x" * size, headers={**TASK, **headers}, properties={})


def test_a_message_above_the_limit_is_refused_with_task_size_limit_and_advice() -> None:
    with pytest.raises(MessageTooLargeError) as refused:
        prepare(MESSAGE_MAX_BYTES + 1)

    told = str(refused.value)
    assert told.startswith("task 'worker_image.tasks.canary.work': its arguments are 262145 bytes")
    assert "above 262144" in told
    assert "put them into a file of the data folder and send its name" in told


def test_a_message_at_the_limit_is_taken_and_so_is_a_retry_above_it() -> None:
    assert prepare(MESSAGE_MAX_BYTES)
    assert prepare(MESSAGE_MAX_BYTES + 1, retries=1)


def test_what_is_no_task_has_no_limit() -> None:
    assert prepare(MESSAGE_MAX_BYTES + 1, task=None)
