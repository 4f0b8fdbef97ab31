"""What tests read and write past the fleet, on its broker."""

import json

import redis

from tests.rehearsal.worker_fleet import Broker

LISTS = ("", ":3", ":6", ":9")
"""What ends a list's name, by priority."""


def waiting_ids(store: "redis.Redis", queue: str = "default") -> list[str]:
    """Ids of the waiting messages, the next one to be served first."""
    return [json.loads(text)["headers"]["id"] for text in reversed(store.lrange(queue, 0, -1))]


def make_due(store: "redis.Redis", entry: str, prefix: str = "") -> None:
    """Let a schedule entry have run long ago, once."""
    long_ago = {"__type__": "datetime", "year": 2020, "month": 1, "day": 1, "timezone": "UTC"}
    meta = {"last_run_at": long_ago, "total_run_count": 1}
    store.hset(f"{prefix}redbeat:{entry}", "meta", json.dumps(meta))
    store.zadd(f"{prefix}redbeat::schedule", {f"{prefix}redbeat:{entry}": 1})


def lengths(broker: Broker, queue: str) -> list[int]:
    """Messages that wait in a queue's lists, by priority."""
    with broker.client() as client:
        return [client.llen(f"{queue}{step}") for step in LISTS]


def in_flight(broker: Broker, worker: str) -> int:
    """Messages that a worker holds."""
    with broker.client() as client:
        return int(client.hlen(f"unacked:{worker}"))
