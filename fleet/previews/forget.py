"""Removes every key under a prefix from a broker; runs inside a pod, with redis-py alone.

Its text is handed to the pod's Python: the branch's image may be older than this file. It looks
again until a whole scan finds nothing, and prints how many keys it removed.
"""

import os
from collections.abc import Iterator

import redis

_BATCH = 500


def clients() -> Iterator["redis.Redis"]:
    """One for each database: of messages, and of results."""
    authority = os.environ.get("FLEET_BROKER_CA_FILE")
    options = {"ssl_ca_certs": authority} if authority else {}
    urls = {os.environ["CELERY_BROKER_URL"], os.environ["CELERY_RESULT_BACKEND"]}
    for url in sorted(urls):
        yield redis.Redis.from_url(url, socket_timeout=30, **options)


def forget(client: "redis.Redis", prefix: str) -> int:
    """Remove the keys that begin with the prefix; return how many."""
    removed, keys = 0, list(client.scan_iter(f"{prefix}*", count=1000))
    while keys:
        for start in range(0, len(keys), _BATCH):
            removed += int(client.unlink(*keys[start : start + _BATCH]))
        keys = list(client.scan_iter(f"{prefix}*", count=1000))
    return removed


if __name__ == "__main__":
    print(sum(forget(each, os.environ["FLEET_FORGOTTEN"]) for each in clients()))  # noqa: T201 - told to whoever reads the pod's log
