"""What each login of the broker may do, as Redis' ACL and ElastiCache's access string.

Selectors, the words in brackets, give some commands on some keys. Redis has them since 7.0, Valkey
and ElastiCache for Redis OSS 7.0 and later too (ElastiCache's page of supported engine versions).
"""

from collections.abc import Collection, Mapping
from typing import Literal

from infra.sizing import STEP_SEPARATOR

Workload = Literal["fleet", "producer", "keda", "exporter"]
"""Who logs in with rights of its own."""

# Whole categories where Celery, kombu, RedBeat and the image use many of their commands.
_FLEET_CATEGORIES = (
    "read",
    "write",
    "blocking",
    "pubsub",
    "transaction",
    "connection",
)
# KEYS, FLUSHALL, SORT, MIGRATE, CONFIG, DEBUG and others that stop or empty a server. And what no
# part of the fleet uses: of PFMERGE with one key the server does not check the key (Valkey 9.1).
_NEVER = ("dangerous", "admin", "hyperloglog")
# What tells of all keys or channels of a server, or changes its functions, whosever they are.
_OF_OTHERS = ("pubsub", "randomkey", "client|tracking", "function")
# The image's own page of the broker, else part of `dangerous`; the server's clock, which its
# scripts read so that no pod's is trusted; scripts, but not what flushes or kills those of others.
_FLEET_MORE = ("info", "time", "eval", "evalsha", "script|load", "script|exists")

# Kombu subscribes to patterns, which have to be granted word for word: `&prefix*` allows none.
# Remote control; events for Flower and `celery events`; events of workers for their gossip.
_FANOUTS = ("celery.pidbox", "celeryev/*", "celeryev/worker.*", "celeryev/task.*")
# Before them kombu puts the database of messages.
_MESSAGES = "/0."

# All that KEDA's redis scalers call: a script that asks a key's type and counts what it holds.
_KEDA = ("eval", "evalsha", "type", "llen", "hlen", "scard", "zcard", "ping", "select")

# All that redis_exporter asks: figures of the server, no key.
_EXPORTER = ("info", "ping", "client|setname", "slowlog|len", "slowlog|get", "latency|latest")

DISABLED = "off -@all"
"""Of the user `default`, that a client without a name would be."""


def workloads(key_prefix: str, queues: Mapping[str, bool]) -> dict[Workload, str]:
    """Access of every workload of one stack.

    Args:
        key_prefix: of the stack; without one the fleet may do all on every key of the server.
        queues: whether it is fair, by declared queue.

    """
    return {
        "fleet": fleet(key_prefix),
        "producer": producer(key_prefix, queues),
        "keda": keda(key_prefix),
        "exporter": exporter(),
    }


def guest(
    key_prefix: str, queues: Mapping[str, bool], others: Collection[str]
) -> dict[Workload, str]:
    """Access of every workload of a stack, such as a preview, on a server that has others.

    Args:
        key_prefix: of this stack.
        queues: whether it is fair, by declared queue.
        others: key prefixes of the other stacks.

    Raises:
        ValueError: a stack of them has no prefix of its own.

    """
    told = [key_prefix, *others]
    if "" in told:
        raise ValueError(
            "broker.keyPrefix is '' for a stack that shares its broker: its user may do all on "
            "every key, those of the others included; give each stack a prefix"
        )
    if key_prefix in others:
        raise ValueError(
            f"broker.keyPrefix {key_prefix!r} is another stack's on this broker: one would run "
            "the other's tasks"
        )
    return workloads(key_prefix, queues)


def fleet(key_prefix: str) -> str:
    """Access of workers, beat, janitor and API: all on the fleet's keys, nothing on the server."""
    allowed = [f"+@{category}" for category in _FLEET_CATEGORIES]
    denied = [*(f"-@{category}" for category in _NEVER), *(f"-{command}" for command in _OF_OTHERS)]
    more = [f"+{command}" for command in _FLEET_MORE]
    channels = ["&*"] if not key_prefix else [f"&{key_prefix}*", *_patterns(key_prefix)]
    return " ".join(["on", f"~{key_prefix}*", *channels, "-@all", *allowed, *denied, *more])


def producer(key_prefix: str, queues: Mapping[str, bool]) -> str:
    """Access of applications that send tasks: into declared queues, and to their results.

    It covers what stock Celery and the image's own publishers call. A list's name is granted only
    as the fleet's workers read it, so a sender with other priority steps is told so.
    """
    lists = [name for queue, fair in queues.items() for name in _lists(queue, fair=fair)]
    given = [
        _selector(lists, "lpush", "llen"),
        # By these kombu finds the queues of an exchange; whoever sends declares them.
        _selector(["_kombu.binding.*", "_kombu.binding_permanent.*"], "sadd", "smembers"),
        _selector(["celery-task-meta-*"], "get", "mget"),
        # How many results a chord waits for.
        _selector(["celery-taskset-meta-*"], "set", "del"),
        # A message that is written once (worker_image/once.py), and what goes with it.
        _selector(
            ["fleet:sent:*", "fleet:once:*"], "eval", "get", "set", "pexpireat", "pexpiretime"
        ),
        _selector(["fleet:wake:*", "fair:*:tenants"], "zadd", "pexpire"),
        _selector(["fair:*:pending"], "hset", "hlen"),
        # What workers hold counts where a queue may hold so many messages (worker_image/room.py).
        _selector(["unacked:*"], "hlen"),
    ]
    told = [
        _selector(["celery-task-meta-*"], "subscribe", "unsubscribe", sign="&"),
        _selector([f"{_MESSAGES}celeryev/task.sent"], "publish", sign="&"),
    ]
    denied = [*(f"-@{category}" for category in _NEVER), *(f"-{command}" for command in _OF_OTHERS)]
    root = ["on", "-@all", "+@connection", *denied, "+multi", "+exec", "+discard"]
    return " ".join([*root, *(words.format(key_prefix) for words in (*given, *told))])


def keda(key_prefix: str) -> str:
    """Access of KEDA: counting, of the fleet's keys only; a script cannot do more than its user."""
    # Not `%R~`: EVAL asks for the right to write its keys, whatever the script does.
    return " ".join(["on", f"~{key_prefix}*", "-@all", *(f"+{command}" for command in _KEDA)])


def exporter() -> str:
    """Access of redis_exporter: it reads figures, and neither keys nor channels."""
    return " ".join(["on", "-@all", *(f"+{command}" for command in _EXPORTER)])


def _patterns(key_prefix: str) -> list[str]:
    return [f"&{key_prefix}{_MESSAGES}{name}" for name in _FANOUTS]


def _lists(queue: str, *, fair: bool) -> tuple[str, str]:
    """A queue's lists: those of its tenants if it is fair, else of its priority steps, a digit."""
    return queue, f"{queue}.*" if fair else f"{queue}{STEP_SEPARATOR}?"


def _selector(names: Collection[str], *commands: str, sign: str = "~") -> str:
    """Some commands on some keys or channels; `{0}` stands for the key prefix."""
    return (
        f"({' '.join([*(f'{sign}{{0}}{name}' for name in names), *(f'+{c}' for c in commands)])})"
    )
