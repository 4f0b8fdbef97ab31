"""A failover of the rehearsal's broker: a replica takes over all that the primary had."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rehearsal.broker.account import OPERATOR, Account, ensure_account
from rehearsal.broker.programs import Broker
from rehearsal.broker.server import find_server
from rehearsal.cloud.broker_nodes import Nodes
from rehearsal.control_plane.credentials import ensure_credentials
from rehearsal.control_plane.files import make_folder
from rehearsal.layout import Layout
from rehearsal.supervisor.port_choice import choose_ports
from rehearsal.supervisor.spawning import spawn
from tests.rehearsal.stage import eventually

pytestmark = pytest.mark.rehearsal

FLEET = Account("fleet", "of-the-fleet")
OUTAGE_S = 0.5
VALUE_BYTES = 100_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A server behind its endpoint."""
    layout = Layout(tmp_path)
    make_folder(layout.logs)
    ports = choose_ports({}, ())
    made = Broker(
        find_server(search_path=""),
        ensure_credentials(layout, ports),
        ports,
        FLEET,
        maxmemory_mib=64,
        operator=ensure_account(tmp_path / "operator.json", OPERATOR),
    )
    made.write_files()
    running = [spawn(each, layout.logs / f"{each.name}.log") for each in made.programs()]
    eventually(lambda: _answers(made), "answer")
    yield made
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def nodes(broker: Broker) -> Iterator[Nodes]:
    assert broker.operator is not None
    made = Nodes(broker.server.path, broker.socket_file.parent, broker.operator, OUTAGE_S)
    with client(broker, broker.operator) as first:
        made.follow(first)
    yield made
    made.stop()


def client(broker: Broker, account: Account = FLEET) -> redis.Redis:
    return redis.Redis(
        host="127.0.0.1",
        port=broker.ports.broker,
        username=account.username,
        password=account.password,
        ssl=True,
        ssl_ca_certs=str(broker.credentials.authority.certificate),
        socket_timeout=5,
        retry=Retry(NoBackoff(), retries=0),
        decode_responses=True,
    )


def _answers(broker: Broker) -> bool:
    try:
        with client(broker) as asking:
            return bool(asking.ping())
    except (OSError, redis.RedisError):
        return False


def test_the_successor_has_every_message_and_every_user(broker: Broker, nodes: Nodes) -> None:
    with client(broker) as fleet:
        fleet.lpush("queue", *("x" * VALUE_BYTES for _ in range(50)))

    for failover in range(2):
        nodes.fail_over()

        with client(broker) as fleet:
            assert fleet.llen("queue") == 50 + failover
            fleet.lpush("queue", "y")
        wrong = Account("fleet", "wrong")
        with client(broker, wrong) as other, pytest.raises(redis.AuthenticationError):
            other.ping()


def test_who_waits_is_cut_off_and_nobody_is_answered_for_a_while(
    broker: Broker, nodes: Nodes
) -> None:
    seen: list[bool] = []
    with client(broker) as waiting:
        waiting.ping()
        failing = Thread(target=nodes.fail_over)
        failing.start()
        with pytest.raises(redis.RedisError):
            waiting.brpop(["queue"], timeout=4)
        while failing.is_alive():
            seen.append(_answers(broker))
        failing.join()

    assert not any(seen[:-1])
    assert _answers(broker)


def test_the_former_primary_follows_and_takes_no_writes(broker: Broker, nodes: Nodes) -> None:
    nodes.fail_over()
    with client(broker) as fleet:
        fleet.set("key", "new")

    assert nodes.replica is not None
    with nodes.replica.connect(nodes.account) as former:
        eventually(lambda: former.get("key") == "new", "the write on the former primary")
        with pytest.raises(redis.exceptions.ReadOnlyError):
            former.set("key", "split")
