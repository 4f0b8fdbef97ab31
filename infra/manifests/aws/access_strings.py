"""What each login of the broker may do, as Redis' ACL and ElastiCache's access string."""

# Whole categories where Celery, kombu, RedBeat and the image use many of their commands.
_FLEET_CATEGORIES = (
    "read",
    "write",
    "blocking",
    "pubsub",
    "scripting",
    "transaction",
    "connection",
)
# KEYS, FLUSHALL, SORT, MIGRATE, CONFIG, DEBUG and others that stop or empty a server.
_NEVER = ("dangerous", "admin")
# The image's own page of the broker, else part of `dangerous`; and the server's clock, which its
# scripts read so that no pod's is trusted, and which is in none of the categories.
_FLEET_MORE = ("info", "time")

# All that KEDA's redis scalers call: a script that asks a key's type and counts what it holds.
_KEDA = ("eval", "evalsha", "type", "llen", "hlen", "scard", "zcard", "ping", "select")

# All that redis_exporter asks: figures of the server, no key.
_EXPORTER = ("info", "ping", "client|setname", "slowlog|len", "slowlog|get", "latency|latest")

DISABLED = "off -@all"
"""Of the user `default`, that a client without a name would be."""


def fleet(key_prefix: str) -> str:
    """Access of workers, beat and API: all that works on keys of the fleet, nothing on the server.

    Channels are not prefixed by kombu alike in all places, and hold no data at rest: all of them.
    """
    allowed = [f"+@{category}" for category in _FLEET_CATEGORIES]
    denied = [f"-@{category}" for category in _NEVER]
    more = [f"+{command}" for command in _FLEET_MORE]
    return " ".join(["on", f"~{key_prefix}*", "&*", "-@all", *allowed, *denied, *more])


def keda(key_prefix: str) -> str:
    """Access of KEDA: counting, of the fleet's keys only; a script cannot do more than its user."""
    # `%R~` would say the same of keys; not every engine version that ElastiCache has knows it.
    return " ".join(["on", f"~{key_prefix}*", "-@all", *(f"+{command}" for command in _KEDA)])


def exporter() -> str:
    """Access of redis_exporter: it reads figures, and neither keys nor channels."""
    return " ".join(["on", "-@all", *(f"+{command}" for command in _EXPORTER)])
