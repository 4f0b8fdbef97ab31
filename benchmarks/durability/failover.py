"""A primary is killed while messages are published, and its replica takes its place."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.durability.link import Link
from benchmarks.durability.outcome import Outcome, outcome
from benchmarks.durability.producer import producing
from benchmarks.durability.server import Server, running
from benchmarks.image.arms import until

# ElastiCache has no append-only file where it has replicas (rehearsal/broker/config.py).
_OPTIONS = {"appendonly": "no", "repl-diskless-sync-delay": "0"}


def failed_over(
    folder: Path, publishing_s: float, *, confirm_replicas: int, lag_s: float
) -> Outcome:
    """Publish for a while, kill the primary, promote the replica; what it has of the answered.

    Args:
        folder: an empty one.
        publishing_s: until the kill.
        confirm_replicas: 0 publishes as Redis does by itself.
        lag_s: of replication, either way.

    """
    primary = Server(folder / "primary", _OPTIONS)
    with (
        producing(folder, primary.port, confirm_replicas) as producer,
        pair(primary) as (replica, link),
    ):
        link.lag_s = lag_s
        producer.begin()
        time.sleep(publishing_s)
        primary.kill()
        with replica.client() as client:
            client.replicaof("NO", "ONE")
        producer.stop()
        return outcome(producer.answered(), replica.task_ids())


@contextmanager
def pair(primary: Server) -> Iterator[tuple[Server, Link]]:
    """Start a primary, and a replica that has all of it, over a link without lag."""
    with running(primary), closing(Link(primary.port)) as link:
        follows = {**_OPTIONS, "replicaof": f"127.0.0.1 {link.port}"}
        replica = Server(primary.folder.parent / "replica", follows)
        with running(replica), replica.client() as client:
            until(lambda: client.info("replication")["master_link_status"] == "up", "the replica")
            yield replica, link
