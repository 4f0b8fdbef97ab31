"""The real redis_exporter, set up as its pod is, on a real broker with TLS and logins."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from infra.alerts import alert_groups
from infra.config import load_file
from infra.manifests.aws import access_strings
from infra.manifests.broker import login_secret
from infra.manifests.container import AUTHORITY_FILE, METRICS_PORT
from infra.manifests.prometheus_rule import SCRAPE_TIMEOUT_S
from infra.manifests.redis_exporter import redis_exporter_deployment
from infra.models.fleet import FleetConfig
from rehearsal.node_agent.rules.expansion import expand
from rehearsal.toolchain import ensure_redis_exporter
from tests.rehearsal.test_metrics import Scraped
from tests.rehearsal.worker_fleet import Broker, eventually, free_port
from tests.unit.recorder import ROOT, imagineer

pytestmark = pytest.mark.rehearsal

PREFIX = "p:"
ACCESS = {"exporter": access_strings.exporter(), "blue": access_strings.fleet(PREFIX)}
NEVER = (
    f"SET {PREFIX}labeling v",
    f"GET {PREFIX}labeling",
    f"LPUSH {PREFIX}labeling m",
    f"LRANGE {PREFIX}labeling 0 -1",
    f"DEL {PREFIX}labeling",
    "KEYS *",
    "SCAN 0",
    "EVAL s 0",
    "PUBLISH a b",
    "FLUSHALL",
    "CONFIG GET maxmemory",
    "CONFIG SET maxmemory 0",
    "ACL LIST",
    "CLIENT LIST",
    "CLIENT KILL ID 1",
    "SLOWLOG RESET",
    "MONITOR",
    "SHUTDOWN",
)


def environment(config: FleetConfig, broker: Broker, user: str, port: int) -> dict[str, str]:
    """What the pod's container would be given, for this machine's address, port and files."""
    (main,) = redis_exporter_deployment(config)["template"]["spec"]["containers"]
    secret = login_secret("127.0.0.1", broker.port, user, "p")
    env: dict[str, str] = {}
    for each in main["env"]:
        source = each.get("valueFrom", {})
        value = secret[source["secretKeyRef"]["key"]] if "secretKeyRef" in source else "127.0.0.1"
        env[each["name"]] = expand(each["value"], env) if "value" in each else value
    here = {AUTHORITY_FILE: str(broker.ca), f"[127.0.0.1]:{METRICS_PORT}": f"[127.0.0.1]:{port}"}
    return {name: here.get(value, value) for name, value in env.items()}


class Exporter:
    """The process, logged in as a user of the broker."""

    def __init__(self, program: Path, broker: Broker, user: str) -> None:
        self.port = free_port()
        self.log = broker.folder / f"exporter-{user}-{self.port}.log"
        env = environment(imagineer(), broker, user, self.port)
        with self.log.open("wb") as output:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                [program], env=env, stdout=output, stderr=output
            )
        eventually(self._answers)
        self.metrics = Scraped(self.port)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=2 * SCRAPE_TIMEOUT_S)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/health").text == "ok"
        except httpx.ConnectError:
            return False


@pytest.fixture(scope="session")
def program() -> Path:
    return ensure_redis_exporter(print)


@pytest.fixture
def server(broker: Broker) -> Iterator["redis.Redis"]:
    """The broker's server, past its endpoint; with the users that the stack would make."""
    client = broker.client()
    client.config_set("maxmemory", 64 * 1024 * 1024)
    for user, access in ACCESS.items():
        client.execute_command("ACL", "SETUSER", user, "reset", ">p", *access.split())
    yield client
    client.close()


@pytest.fixture(params=ACCESS)
def exporter(
    request: pytest.FixtureRequest, program: Path, broker: Broker, server: "redis.Redis"
) -> Iterator[Exporter]:
    """One logged in as its own user, one as the fleet's user of a broker of others."""
    server.lpush(f"{PREFIX}labeling", "m")
    running = Exporter(program, broker, str(request.param))
    yield running
    running.stop()


@cache
def read_by_rules() -> set[str]:
    """Names of redis_exporter's that the rules of any stack file read."""
    paths = [*ROOT.glob("Pulumi.*.yaml"), *Path(ROOT / "stacks").glob("*.yaml")]
    text = " ".join(
        rule.expr
        for path in paths
        for group in alert_groups(load_file(path))
        for rule in group.rules
    )
    return set(re.findall(r"\bredis_\w+", text))


def told(exporter: Exporter) -> set[str]:
    return {each.name for one in exporter.metrics.families().values() for each in one.samples}


def test_every_figure_that_a_rule_reads_is_told_as_the_server_has_it(
    exporter: Exporter, server: "redis.Redis"
) -> None:
    value, info = exporter.metrics.value, server.info()

    assert len(read_by_rules()) == 8
    assert read_by_rules() - told(exporter) == set()
    assert value("redis_up") == 1
    assert value("redis_memory_max_bytes") == 64 * 1024 * 1024
    assert abs(value("redis_memory_used_bytes") / info["used_memory"] - 1) < 0.5
    assert 2 <= value("redis_connected_clients") < 20
    assert value("redis_connected_slaves") == value("redis_evicted_keys_total") == 0
    assert value("redis_rdb_last_bgsave_status") == value("redis_aof_last_write_status") == 1


def test_each_figure_is_one_series(exporter: Exporter) -> None:
    families = exporter.metrics.families().values()
    samples = [each for one in families for each in one.samples if each.name in read_by_rules()]

    # A label more, and the rules' memory used / memory allowed would match nothing.
    assert sorted(each.name for each in samples) == sorted(read_by_rules())
    assert not [each.labels for each in samples if each.labels]


def test_no_message_or_key_and_no_go_runtime_is_told(exporter: Exporter) -> None:
    text = exporter.get("/metrics").text

    assert f"{PREFIX}labeling" not in text
    assert not [name for name in told(exporter) if name.startswith(("go_", "process_"))]


def test_a_failed_snapshot_is_told_as_zero(
    exporter: Exporter, server: "redis.Redis", broker: Broker
) -> None:
    server.save()
    file = broker.folder / "dump.rdb"
    file.unlink()
    # A file cannot take a folder's place.
    file.mkdir()
    (file / "x").touch()
    server.bgsave()
    eventually(lambda: exporter.metrics.value("redis_rdb_last_bgsave_status") == 0)

    (file / "x").unlink()
    file.rmdir()
    server.bgsave()
    eventually(lambda: exporter.metrics.value("redis_rdb_last_bgsave_status") == 1)


def test_evictions_and_clients_are_counted(
    exporter: Exporter, server: "redis.Redis", broker: Broker
) -> None:
    before = exporter.metrics.value("redis_connected_clients")
    clients = [broker.client() for _ in range(5)]
    for client in clients:
        client.ping()
    assert exporter.metrics.value("redis_connected_clients") == before + 5

    server.config_set("maxmemory-policy", "allkeys-lru")
    for number in range(80):
        server.set(f"{PREFIX}{number}", "x" * 1024 * 1024)
    assert exporter.metrics.value("redis_evicted_keys_total") > 0
    server.config_set("maxmemory-policy", "noeviction")
    server.flushall()
    server.config_resetstat()
    for client in clients:
        client.close()


def test_a_broker_that_is_away_is_told_and_its_return_too(
    exporter: Exporter, broker: Broker
) -> None:
    broker.close()
    assert "redis_up" in told(exporter)
    assert exporter.metrics.value("redis_up") == 0
    assert not told(exporter) & (read_by_rules() - {"redis_up"})
    assert exporter.get("/health").text == "ok"

    broker.open(broker.folder / "broker.log")
    assert exporter.metrics.value("redis_up") == 1


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["endpoint", "server"])
def test_a_broker_that_hangs_is_told_as_away_within_a_scrape(
    program: Path, broker: Broker, name: str
) -> None:
    exporter = Exporter(program, broker, "exporter")
    frozen = broker.processes.started[-1 if name == "endpoint" else 0]
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        text = exporter.get("/metrics").text
        took_s = time.monotonic() - began
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
        exporter.stop()

    assert "\nredis_up 0\n" in text
    assert took_s < SCRAPE_TIMEOUT_S * 0.75


def test_its_own_user_reads_figures_and_nothing_else(server: "redis.Redis") -> None:
    def allowed(command: str) -> bool:
        asked = server.execute_command("ACL", "DRYRUN", "exporter", *command.split())
        return str(asked) == "OK"

    assert [command for command in NEVER if allowed(command)] == []
    assert allowed("INFO all")


def test_its_own_user_is_refused_nothing_that_it_asks(
    program: Path, broker: Broker, server: "redis.Redis"
) -> None:
    server.execute_command("ACL", "LOG", "RESET")
    exporter = Exporter(program, broker, "exporter")
    assert exporter.metrics.value("redis_exporter_last_scrape_error") == 0
    exporter.stop()

    refused = {each["object"] for each in server.execute_command("ACL", "LOG")}
    # Later releases ask for it; not every engine version that ElastiCache has would take its name.
    assert refused <= {"commandlog|len"}
    assert '"level":"error"' not in exporter.log.read_text()


def test_its_login_is_not_on_its_command_line(exporter: Exporter) -> None:
    assert psutil.Process(exporter.process.pid).cmdline()[1:] == []
