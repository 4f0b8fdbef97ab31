"""A real server lets KEDA and the exporter look at sizes and figures, and at nothing else."""

from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.rehearsal.command_table import allowed, commands
from tests.rehearsal.users_of_a_server import KEY, PREFIX, as_user, may, serving

pytestmark = pytest.mark.rehearsal

# The calls of KEDA's redis scaler: a key's type, then its size (pkg/scalers/redis_scaler.go, 2.21).
COUNT = """
local kind = redis.call('type', KEYS[1]).ok
local sizes = {list = 'llen', none = 'llen', hash = 'hlen', set = 'scard', zset = 'zcard'}
return redis.call(sizes[kind], KEYS[1])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with serving(tmp_path_factory.mktemp("acl")) as client:
        yield client


@pytest.mark.parametrize("user", ["keda", "exporter"])
def test_no_command_that_writes_is_run_for_who_only_looks(server: redis.Redis, user: str) -> None:
    """Not asked, but run: each is refused for the command, before its words are read."""
    writing = [told for told in commands(server, KEY) if "write" in told.categories]

    assert len(writing) > 100
    with as_user(server, user) as client:
        for told in writing:
            with pytest.raises(NoPermissionError, match="to run the"):
                client.execute_command(*told.words)


@pytest.mark.parametrize("user", ["keda", "exporter"])
def test_nothing_is_read_but_sizes_and_types_by_who_only_looks(
    server: redis.Redis, user: str
) -> None:
    counting = {"type", "llen", "hlen", "scard", "zcard"} if user == "keda" else set()
    read = [told for told in commands(server, KEY) if "read" in told.categories]
    found = {told.name for told in read if allowed(server, user, *told.words)}

    assert len(read) > 80
    assert found == counting
    assert may(server, user, ("PUBLISH a b", f"SUBSCRIBE {PREFIX}x", "SCRIPT FLUSH")) == []


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


def test_a_script_of_kedas_cannot_write(server: redis.Redis) -> None:
    with as_user(server, "keda") as client, pytest.raises(redis.ResponseError, match=r"permission"):
        client.eval("return redis.call('del', KEYS[1])", 1, KEY)


def test_the_exporter_reads_the_servers_figures(server: redis.Redis) -> None:
    # On a busy machine a command of another test may have been slow.
    server.config_set("slowlog-log-slower-than", -1)
    server.slowlog_reset()
    with as_user(server, "exporter") as client:
        assert client.info()["uptime_in_seconds"] >= 0
        assert client.slowlog_len() == 0


def test_a_user_that_is_off_cannot_log_in(server: redis.Redis) -> None:
    client = as_user(server, "nobody")
    with pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()
    client.close()
