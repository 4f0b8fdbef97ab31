"""One fleet for all tests of this folder: brought up by the first, taken down at the end."""

from collections.abc import Iterator

import pytest
import redis

from rehearsal.toolchain import MonitoringTools
from tests.whole.interference import api_server
from tests.whole.refusals import Door, Object, pod_of
from tests.whole.running_fleet import NAMESPACE, STACK, RunningFleet, make_project
from tests.whole.watched import Watched, watch


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFleet]:
    """A fleet after `fleet up` with its demonstration, as `make up` leaves it."""
    fleet = make_project(tmp_path_factory.mktemp("whole"))
    try:
        up = fleet.fleet("up", "--stack", STACK)
        assert up.returncode == 0, up.output
        yield fleet
        fleet.close()
    finally:
        down = fleet.fleet("down")
    assert down.returncode == 0, down.output


@pytest.fixture(scope="session")
def watched(
    running: RunningFleet,
    monitoring_tools: MonitoringTools,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Watched]:
    """The running fleet under Prometheus and Alertmanager, from its first use to the end."""
    with watch(running, monitoring_tools, tmp_path_factory.mktemp("watched")) as watched:
        yield watched


@pytest.fixture(scope="module")
def broker(running: RunningFleet) -> "Iterator[redis.Redis]":
    """The running fleet's broker, with the fleet's own login."""
    secret = running.cluster.secret(NAMESPACE, "broker")
    assert secret is not None
    client = redis.Redis.from_url(
        secret["brokerUrl"], ssl_ca_data=secret["ca.crt"], decode_responses=True
    )
    yield client
    client.close()


@pytest.fixture(scope="module")
def door(running: RunningFleet) -> Iterator[Door]:
    """The running fleet's API server, as its administrator."""
    with api_server(running) as server:
        yield Door(server)


@pytest.fixture
def pod(running: RunningFleet) -> Object:
    """A worker's own."""
    return pod_of(running, "worker-default")
