"""A publish asks for replicas on the connection that wrote, and fails where they do not answer."""

from pathlib import Path
from typing import Any

import pytest
import redis

from tests.unit.worker_stage import document, load
from worker_image import once, patience, publish
from worker_image.broker import BrokerAwayError, answering
from worker_image.confirm import CONFIRM_MS, Confirming, NotConfirmedError
from worker_image.factory import build_app


class Client:
    """Stands in for a client; its pipeline answers as it is told to."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[object, ...]] = []
        self.transactions: list[bool] = []

    def pipeline(self, transaction: bool = True) -> "Client":  # noqa: FBT001, FBT002 - redis-py's
        self.transactions.append(transaction)
        return self

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    def execute_command(self, *words: object) -> None:
        self.sent.append(words)

    def execute(self, *, raise_on_error: bool) -> list[object]:
        assert not raise_on_error
        return self.answers


def test_the_write_and_its_confirmation_go_out_together_over_one_connection() -> None:
    client = Client("told", 2)

    told = Confirming(client, 2).execute_command("EVAL", "script")

    assert told == "told"
    assert client.sent == [("EVAL", "script"), ("WAIT", 2, CONFIRM_MS)]
    # In a transaction WAIT waits for nothing.
    assert client.transactions == [False]


def test_too_few_replicas_are_an_error_that_is_tried_again_and_names_the_setting() -> None:
    with pytest.raises(NotConfirmedError, match=r"^1 replicas .*\.confirmReplicas is 2$"):
        Confirming(Client("told", 1), 2).execute_command("EVAL", "script")

    assert issubclass(NotConfirmedError, patience._PASSING)


@pytest.mark.parametrize("waited", [1, redis.ResponseError("WAIT cannot be used with replica")])
def test_the_servers_own_error_comes_first(waited: object) -> None:
    refused = redis.ReadOnlyError("READONLY")

    with pytest.raises(redis.ReadOnlyError) as caught:
        Confirming(Client(refused, waited), 1).execute_command("EVAL", "script")

    assert caught.value is refused


def test_callers_that_wait_are_told_why_in_time() -> None:
    with pytest.raises(BrokerAwayError, match=r"broker\.confirmReplicas is 1"), answering():
        Confirming(Client("told", 0), 1).execute_command("EVAL", "script")

    assert min(publish._TIMEOUT_S, patience.ANSWER_TIMEOUT_S) > CONFIRM_MS / 1000


class Publishing(once.Channel):
    """A channel without a connection."""

    _expires: dict[str, int] = {}  # noqa: RUF012 - as kombu's are

    def __init__(self) -> None:
        """Open nothing."""

    def __del__(self) -> None:
        """Nothing was opened."""

    def conn_or_acquire(self, client: object = None) -> Any:
        return client or Client()


@pytest.mark.parametrize("replicas", [0, 2])
def test_a_channel_asks_for_as_many_replicas_as_the_fleet_declares(replicas: int) -> None:
    asked: list[object] = []

    class Step:
        def send(self, client: Any, *_: object) -> None:
            asked.append(client.replicas if isinstance(client, Confirming) else 0)

    channel = Publishing()
    channel.confirm_replicas = replicas
    with once.in_one_step(Step()):
        channel._put("default", {"body": "", "headers": {}, "properties": {"delivery_tag": "t"}})

    assert asked == [replicas]


@pytest.mark.parametrize("replicas", [0, 2])
def test_publishers_are_told_by_the_settings(tmp_path: Path, replicas: int) -> None:
    app = build_app(load(tmp_path, document(confirmReplicas=replicas)))

    assert app.connection_for_write().transport_options["confirm_replicas"] == replicas


def test_nothing_is_confirmed_unless_asked_for(tmp_path: Path) -> None:
    assert load(tmp_path).fleet.confirm_replicas == 0
