"""A real server takes the access strings, lets through what is used, and turns away the rest."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from infra.manifests.aws import access_strings
from rehearsal.broker.server import find_server
from tests.rehearsal.stage import eventually
from tests.unit.recorder import ROOT

pytestmark = pytest.mark.rehearsal

PREFIX = "fleet:"
KEY = f"{PREFIX}labeling"
# What kombu, Celery's results, RedBeat and the image send, beside what its scripts do.
FLEET = (
    f"LPUSH {KEY} m",
    f"BRPOP {KEY} 1",
    f"RPOP {KEY}",
    f"LLEN {KEY}",
    f"HSET {KEY} t m",
    f"HDEL {KEY} t",
    f"HGET {KEY} t",
    f"ZADD {KEY} 1 t",
    f"ZREVRANGEBYSCORE {KEY} 9 0",
    f"SADD {KEY} q",
    f"SMEMBERS {KEY}",
    f"SETEX {KEY} 60 r",
    f"SET {KEY} r EX 60 NX",
    f"MGET {KEY}",
    f"EXPIRE {KEY} 60",
    f"DEL {KEY}",
    "PUBLISH /0.celery.pidbox m",
    "SUBSCRIBE celery-task-meta-1",
    "PSUBSCRIBE /0.celeryev/*",
    "MULTI",
    "EXEC",
    f"WATCH {KEY}",
    f"EVAL s 1 {KEY}",
    "WAIT 1 1000",
    f"EVALSHA s 1 {KEY}",
    "SCRIPT LOAD s",
    "SELECT 1",
    "PING",
    "INFO",
    "CLIENT SETINFO LIB-NAME redis-py",
    "SCAN 0",
)
NEVER = (
    "FLUSHALL",
    "FLUSHDB",
    f"KEYS {PREFIX}*",
    "CONFIG SET maxmemory-policy allkeys-lru",
    "ACL SETUSER x on",
    "SHUTDOWN",
    "DEBUG SLEEP 1",
    "REPLICAOF NO ONE",
    "MONITOR",
    "CLIENT KILL ID 1",
    "LPUSH other:labeling m",
)
WRITES = (
    f"LPUSH {KEY} m",
    f"DEL {KEY}",
    f"SET {KEY} v",
    f"RPOP {KEY}",
    f"LRANGE {KEY} 0 -1",
    f"HGETALL {KEY}",
    "PUBLISH a b",
    "SCRIPT FLUSH",
    "INFO",
)
# As KEDA's redis scaler asks: a key's type, then its size (pkg/scalers/redis_scaler.go, 2.21).
COUNT = """
local kind = redis.call('type', KEYS[1]).ok
local sizes = {list = 'llen', hash = 'hlen', set = 'scard', zset = 'zcard'}
return kind == 'none' and 0 or redis.call(sizes[kind], KEYS[1])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """A server with the three users, and a client that may do everything."""
    folder = tmp_path_factory.mktemp("acl")
    program = find_server(os.environ["PATH"]).path
    socket = folder / "s"
    settings = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([str(program), *settings], stdout=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
    eventually(socket.exists, "listen")
    for user, access in (
        ("blue", access_strings.fleet(PREFIX)),
        ("keda", access_strings.keda(PREFIX)),
        ("nobody", access_strings.DISABLED),
    ):
        client.execute_command("ACL", "SETUSER", user, ">p", *access.split())
    yield client
    client.close()
    process.kill()
    process.wait()


def allowed(server: redis.Redis, user: str, command: str) -> bool:
    return str(server.execute_command("ACL", "DRYRUN", user, *command.split())) == "OK"


def as_user(server: redis.Redis, user: str) -> redis.Redis:
    path = server.connection_pool.connection_kwargs["path"]
    return redis.Redis(unix_socket_path=path, username=user, password="p", decode_responses=True)


def scripted() -> set[str]:
    """Commands that the image's scripts call."""
    text = "".join(path.read_text() for path in Path(ROOT / "worker_image").rglob("*.py"))
    return set(re.findall(r"redis\.p?call\(\s*'([A-Za-z]+)'", text))


def test_the_fleet_may_do_what_celery_and_the_image_do(server: redis.Redis) -> None:
    assert [c for c in FLEET if not allowed(server, "blue", c)] == []


def test_the_fleet_may_do_what_the_images_scripts_do(server: redis.Redis) -> None:
    granted = server.execute_command("ACL", "GETUSER", "blue")["commands"]
    words = granted.split()
    for command in scripted():
        categories = {
            category
            for category in server.execute_command("ACL", "CAT")
            if command.lower() in server.execute_command("ACL", "CAT", category)
        }
        given = {f"+{command.lower()}", *(f"+@{category}" for category in categories)}
        taken = {f"-@{category}" for category in categories}

        assert given & set(words), command
        assert f"+{command.lower()}" in words or not taken & {"-@dangerous", "-@admin"}, command


def test_the_fleet_may_not_empty_stop_or_change_a_server_or_leave_its_prefix(
    server: redis.Redis,
) -> None:
    assert [c for c in NEVER if allowed(server, "blue", c)] == []


def test_keda_counts_every_kind_of_key_by_its_script(server: redis.Redis) -> None:
    server.delete(*(f"{PREFIX}{kind}" for kind in ("list", "hash", "set", "zset")))
    server.rpush(f"{PREFIX}list", "a", "b")
    server.hset(f"{PREFIX}hash", "a", "b")
    server.sadd(f"{PREFIX}set", "a", "b", "c")
    server.zadd(f"{PREFIX}zset", {"a": 1})
    client = as_user(server, "keda")

    kinds = ("list", "hash", "set", "zset", "none")
    assert [client.eval(COUNT, 1, f"{PREFIX}{kind}") for kind in kinds] == [2, 1, 3, 1, 0]
    client.close()


def test_keda_may_not_read_messages_or_write(server: redis.Redis) -> None:
    assert [c for c in WRITES if allowed(server, "keda", c)] == []
    client = as_user(server, "keda")
    with pytest.raises(redis.exceptions.ResponseError, match=r"permission|NOPERM"):
        client.eval("return redis.call('del', KEYS[1])", 1, KEY)
    client.close()


def test_a_user_that_is_off_cannot_log_in(server: redis.Redis) -> None:
    client = as_user(server, "nobody")
    with pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()
    client.close()
