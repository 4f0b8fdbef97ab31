"""What tests read and write past the fleet, on its broker."""

import json

import redis


def waiting_ids(store: "redis.Redis", queue: str = "default") -> list[str]:
    """Ids of the waiting messages, the next one to be served first."""
    return [json.loads(text)["headers"]["id"] for text in reversed(store.lrange(queue, 0, -1))]


def make_due(store: "redis.Redis", entry: str) -> None:
    """Let a schedule entry have run long ago, once."""
    long_ago = {"__type__": "datetime", "year": 2020, "month": 1, "day": 1, "timezone": "UTC"}
    meta = {"last_run_at": long_ago, "total_run_count": 1}
    store.hset(f"redbeat:{entry}", "meta", json.dumps(meta))
    store.zadd("redbeat::schedule", {f"redbeat:{entry}": 1})
