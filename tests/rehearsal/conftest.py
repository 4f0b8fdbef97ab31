"""What the rehearsal tests share: the tools, one running stage, a broker and a fleet on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from rehearsal.toolchain import Tools, ensure_tools
from tests.rehearsal.lease_channels import Open, opening
from tests.rehearsal.relay import PlainBroker
from tests.rehearsal.stage import Stage, small_spec
from tests.rehearsal.worker_fleet import Broker, Fleet, Processes, free_port


@pytest.fixture(scope="session")
def tools() -> Tools:
    """All tools; the first run on a machine builds them."""
    return ensure_tools(print)


@pytest.fixture(scope="session")
def stage(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One healthy stage for all tests; each makes a namespace of its own."""
    running = Stage(tmp_path_factory.mktemp("stage"), small_spec(), tools)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the tests of a module, which `fleet` and `connect` empty."""
    folder = tmp_path_factory.mktemp("broker")
    broker = Broker(folder, free_port(), Processes(folder))
    try:
        broker.start()
        yield broker
    finally:
        broker.processes.stop()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[PlainBroker]:
    """A broker that keeps what it has written through a kill, of one test."""
    broker = PlainBroker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def store(broker: Broker | PlainBroker) -> Iterator["redis.Redis"]:
    """A client past the fleet, of the broker that the module has."""
    with broker.client() as client:
        yield client


@pytest.fixture
def fleet(broker: Broker, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet on the broker, which is empty; what it starts ends with the test."""
    with broker.client() as client:
        client.flushall()
    fleet = Fleet(tmp_path, broker, Processes(Path.cwd()))
    yield fleet
    fleet.stop()


@pytest.fixture(params=["", "pr-7:"], ids=["bare", "prefix"])
def prefix(request: pytest.FixtureRequest) -> str:
    """What every key begins with."""
    return str(request.param)


@pytest.fixture
def connect(broker: Broker, prefix: str) -> Iterator[Open]:
    """Opens connections to the broker, which is without keys and scripts."""
    with opening(broker, prefix) as connect:
        yield connect
