"""The API's outbox: what is stored, in what order it is sent, and what callers are told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.outbox_stage import Broker, Folder, shared
from tests.unit.worker_api_stage import LABEL, TOKEN, Fleet, ask, ports
from worker_image import outbox_file
from worker_image.api_routes import Ports, create_api
from worker_image.broker import BrokerAwayError
from worker_image.outbox import StoredResults
from worker_image.publish import Accepted, RefusedError, TaskMessage
from worker_image.results import TaskOutcome


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def folder(tmp_path: Path, broker: Broker) -> Iterator[Folder]:
    with shared(tmp_path, broker) as made:
        yield made


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


def test_what_was_accepted_is_sent_even_if_its_queue_is_full(
    folder: Folder, broker: Broker
) -> None:
    pod = folder.pod()
    pod.store("a")
    pod.outbox.turn()
    pod.ask("b")

    assert broker.taken == ["a", "b"]
    assert broker.promised == ["a"]


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
    api = create_api(ports(fleet), TOKEN)
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
    ports = (fleet,) * 7

    told = ask(create_api(Ports(*ports, pod.outbox), TOKEN), "GET", "/api/v1/outbox").json()

    assert (told["stored"], told["broker_away"]) == (1, True)
    assert told["size_bytes"] == pod.outbox.filling().size_bytes > 0
    assert 0 <= told["oldest_seconds"] < 60
    without = create_api(Ports(*ports), TOKEN)
    assert ask(without, "GET", "/api/v1/outbox").status_code == 404
