"""A real server takes the access strings, lets through what is used, and turns away the rest."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.rehearsal.command_table import allowed, commands
from tests.rehearsal.users_of_a_server import KEY, PREFIX, as_user, may, serving
from tests.unit.recorder import ROOT

pytestmark = pytest.mark.rehearsal


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
    f"PUBLISH {PREFIX}/0.celery.pidbox m",
    f"SUBSCRIBE {PREFIX}celery-task-meta-1",
    f"PSUBSCRIBE {PREFIX}/0.celery.pidbox",
    f"PSUBSCRIBE {PREFIX}/0.celeryev/*",
    f"PSUBSCRIBE {PREFIX}/0.celeryev/worker.*",
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
    "SCRIPT FLUSH",
    "SCRIPT KILL",
    "FUNCTION FLUSH",
    "PUBSUB CHANNELS",
    "RANDOMKEY",
    "CLIENT TRACKING ON BCAST",
)


# What stock Celery and the image's publishers send for an application, beside what scripts do.
PRODUCER = (
    "PING",
    "SELECT 1",
    "CLIENT SETINFO LIB-NAME redis-py",
    "MULTI",
    "EXEC",
    "WAIT 1 1000",
    f"LPUSH {PREFIX}default m",
    f"LPUSH {PREFIX}default:9 m",
    f"LPUSH {PREFIX}labeling.acme m",
    f"LLEN {PREFIX}default:3",
    f"SADD {PREFIX}_kombu.binding.default b",
    f"SMEMBERS {PREFIX}_kombu.binding.default",
    f"SUBSCRIBE {PREFIX}celery-task-meta-1",
    f"GET {PREFIX}celery-task-meta-1",
    f"MGET {PREFIX}celery-task-meta-1 {PREFIX}celery-task-meta-2",
    f"EVAL s 1 {PREFIX}fleet:sent:1",
    f"EVAL s 1 {PREFIX}fleet:once:1",
)


# Of the fleet's messages, dead letters, schedule, campaigns, and of remote control.
NO_PRODUCERS = (
    f"EVAL s 1 {PREFIX}default",
    f"SET {PREFIX}default v",
    f"LPUSH {PREFIX}default:33 m",
    f"LPUSH {PREFIX}default\x06\x163 m",
    f"LPUSH {PREFIX}unknown m",
    f"HVALS {PREFIX}fleet:dead:default",
    f"HSET {PREFIX}fleet:dead:default i l",
    f"LPUSH {PREFIX}fleet:dead:default l",
    f"HSET {PREFIX}unacked:default t m",
    f"HGETALL {PREFIX}unacked:default",
    f"DEL {PREFIX}celery-task-meta-1",
    f"SET {PREFIX}celery-task-meta-1 r",
    f"ZADD {PREFIX}redbeat::schedule 1 e",
    f"GET {PREFIX}fleet:campaigns",
    f"PUBLISH {PREFIX}/0.celery.pidbox m",
    f"PUBLISH {PREFIX}celery-task-meta-1 r",
    f"PSUBSCRIBE {PREFIX}/0.celeryev/*",
    "INFO",
    "SCAN 0",
    *NEVER,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with serving(tmp_path_factory.mktemp("acl")) as client:
        yield client


def scripted() -> set[str]:
    """Commands that the image's scripts call."""
    text = "".join(path.read_text() for path in Path(ROOT / "worker_image").rglob("*.py"))
    return set(re.findall(r"redis\.p?call\(\s*'([A-Za-z]+)'", text))


def test_the_fleet_may_do_what_celery_and_the_image_do(server: redis.Redis) -> None:
    assert may(server, "fleet", FLEET) == list(FLEET)


def test_the_fleet_may_do_what_the_images_scripts_do(server: redis.Redis) -> None:
    granted = server.execute_command("ACL", "GETUSER", "fleet")["commands"]
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


def test_the_fleet_may_not_empty_stop_or_change_a_server(server: redis.Redis) -> None:
    assert may(server, "fleet", NEVER) == []


@pytest.mark.parametrize("user", ["fleet", "producer", "keda", "exporter"])
@pytest.mark.parametrize("key", ["other:labeling", "labeling", "fleet-2:labeling"])
def test_no_command_reaches_a_key_of_another_prefix(
    server: redis.Redis, user: str, key: str
) -> None:
    keyed = [told for told in commands(server, key) if told.keyed]

    assert len(keyed) > 150
    assert [told.name for told in keyed if allowed(server, user, *told.words)] == []


@pytest.mark.parametrize("user", ["fleet", "producer", "keda", "exporter"])
def test_no_channel_of_another_prefix_is_heard_or_spoken_to(server: redis.Redis, user: str) -> None:
    channels = ("/0.celery.pidbox", "/0.celeryev/worker.heartbeat", "celery-task-meta-1", "*")
    others = [f"{prefix}{channel}" for prefix in ("", "other:") for channel in channels]
    told = [f"{word} {channel}" for word in ("SUBSCRIBE", "PSUBSCRIBE") for channel in others]

    assert may(server, user, (*told, *(f"PUBLISH {channel} m" for channel in others))) == []


def test_a_producer_may_send_and_read_its_results(server: redis.Redis) -> None:
    assert may(server, "producer", PRODUCER) == list(PRODUCER)


def test_a_producer_may_not_see_what_others_send_nor_control_the_fleet(server: redis.Redis) -> None:
    assert may(server, "producer", NO_PRODUCERS) == []


@pytest.mark.parametrize("name", ["default", "default:3", "labeling.acme"])
def test_of_all_commands_a_producer_may_add_a_message_and_count(
    server: redis.Redis, name: str
) -> None:
    keyed = [told for told in commands(server, f"{PREFIX}{name}") if told.keyed]

    assert {told.name for told in keyed if allowed(server, "producer", *told.words)} == {
        *("lpush", "llen")
    }


def test_a_script_of_a_producer_can_do_no_more_than_its_user(server: redis.Redis) -> None:
    server.rpush(f"{PREFIX}default", "m")
    mark, scripts = f"{PREFIX}fleet:sent:1", ("'rpop', ARGV[1]", "'lrange', ARGV[1], 0, -1")
    with as_user(server, "producer") as client:
        for words in (*scripts, "'del', ARGV[1]"):
            with pytest.raises(redis.ResponseError, match="permission"):
                client.eval(f"return redis.call({words})", 1, mark, f"{PREFIX}default")

    assert server.llen(f"{PREFIX}default") == 1
