"""A server without replica is killed, and starts again on its append-only file.

Nobody's power is cut: what the server had written before SIGKILL is in the page cache, and so there
again. What a machine that dies would lose is bounded instead: with `everysec` by what was answered
for in the second since the last fsync (redis.io, "Redis persistence"); a slow disk makes it more.
The server's own word is not taken for it: WAITAOF of Valkey 9.1.2 answers in 0.1 ms that an fsync
has covered a write, while strace sees one fdatasync a second.
"""

import time
from pathlib import Path
from typing import Literal

from benchmarks.durability.outcome import Outcome, outcome
from benchmarks.durability.producer import producing
from benchmarks.durability.server import Server, running

Fsync = Literal["everysec", "always"]
FSYNCS: tuple[Fsync, ...] = ("everysec", "always")


def restarted(folder: Path, publishing_s: float, *, fsync: Fsync) -> Outcome:
    """Publish for a while, kill the server, start it again; what it has of the answered."""
    server = Server(folder / "server", {"appendonly": "yes", "appendfsync": fsync})
    with producing(folder, server.port, confirm_replicas=0) as producer, running(server):
        producer.begin()
        time.sleep(publishing_s)
        server.kill()
        producer.stop()
        server.start()
        return outcome(producer.answered(), server.task_ids())
