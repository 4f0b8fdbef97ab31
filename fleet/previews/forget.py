"""Removes every key under a prefix from a broker; runs inside a pod, with redis-py alone.

Its text is handed to the pod's Python: the image may be older than this file. It looks again until
a whole scan finds nothing, and prints how many keys it removed, or why it cannot.
"""

import os
import sys
from collections.abc import Iterator
from itertools import islice

import redis

_BATCH = 500
# redis-py tries either four times: all of it has to fit what the pod is waited for.
_CONNECT_LIMIT_S = 5
_ANSWER_LIMIT_S = 15


def clients() -> Iterator["redis.Redis"]:
    """One for each database: of messages, and of results."""
    authority = os.environ.get("FLEET_BROKER_CA_FILE")
    options = {"ssl_ca_certs": authority} if authority else {}
    urls = {os.environ["CELERY_BROKER_URL"], os.environ["CELERY_RESULT_BACKEND"]}
    for url in sorted(urls):
        yield redis.Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_LIMIT_S,
            socket_timeout=_ANSWER_LIMIT_S,
            **options,
        )


def forget(client: "redis.Redis", prefix: str) -> int:
    """Remove the keys that begin with the prefix; return how many.

    They go while the scan goes on: it passes over none of those that are still there, and all of
    them at once would be more than the pod's memory.
    """
    removed, found = 0, True
    while found:
        found = False
        scan = iter(client.scan_iter(f"{prefix}*", count=1000))
        while batch := list(islice(scan, _BATCH)):
            found = True
            removed += int(client.unlink(*batch))
    return removed


def main() -> None:
    """Forget in each database, and tell."""
    try:
        print(sum(forget(each, os.environ["FLEET_FORGOTTEN"]) for each in clients()))  # noqa: T201 - told to whoever reads the pod's log
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        sys.exit(f"the broker refuses the preview's login: {error}")
    except (redis.ConnectionError, redis.TimeoutError) as error:
        sys.exit(f"the broker does not answer: {error}")


if __name__ == "__main__":
    main()
