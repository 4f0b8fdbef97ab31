"""What a run left behind, in the broker, in the result store, in a file and in the logs."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from chaos.fuzz.stage import POOLS, Stage, held_key
from worker_image import dead_letters
from worker_image.transport.fetch import UNREADABLE

_META = "celery-task-meta-"
_RESULTS_DB = 1
# Celery's words on an end (5.7.0), for tasks that store no result because their message asks so.
_ENDS = re.compile(r"\[([^\]]+)\] (?:succeeded in|raised|ignored)|revoked task: [^\[]*\[([^\]]+)\]")


@dataclass(frozen=True)
class Seen:
    """What there is once all rests."""

    left: Mapping[str, int]
    """How much is in every key that should be empty."""
    unreadable: int
    """Messages too large to be fetched, which lie there whole beside their letters."""
    runs: Sequence[str]
    """Task ids of the fuzz task's runs, in their order."""
    results: Mapping[str, Mapping[str, Any]]
    """By task id."""
    letters: Mapping[str, str]
    """Why each message was parked, by the letter's id."""
    logged: frozenset[str]
    """Task ids that a worker's log tells the end of."""
    ended: Sequence[str]
    """Processes that have ended: workers, janitor."""
    pools_changed: Sequence[str]
    """Workers whose pool has other processes than at its start."""
    code_run: bool
    """Whether a message made somebody run its code."""


def left(client: "redis.Redis") -> dict[str, int]:
    """Return how much is in every key that should be empty at rest."""
    found = {queue: int(client.llen(queue)) for queue in POOLS}
    for queue in POOLS:
        found[held_key(queue)] = int(client.hlen(held_key(queue)))
        found[f"{held_key(queue)}_index"] = int(client.zcard(f"{held_key(queue)}_index"))
    return {key: count for key, count in found.items() if count}


def look(stage: Stage, *, code_run: bool) -> Seen:
    """Read everything."""
    with stage.server.client() as client, stage.server.client(_RESULTS_DB) as results:
        letters = {
            letter.task_id: letter.reason
            for queue in POOLS
            for letter in dead_letters.read(client, "", queue, limit=10**9)
        }
        keys = [str(key) for key in results.scan_iter(f"{_META}*", count=1000)]
        told = {key.removeprefix(_META): results.get(key) for key in keys}
        waits, unreadable = left(client), int(client.llen(UNREADABLE))
    return Seen(
        left=waits,
        unreadable=unreadable,
        runs=stage.runs_file.read_text().split() if stage.runs_file.exists() else [],
        results={key: json.loads(str(text)) for key, text in told.items() if text is not None},
        letters=letters,
        logged=_logged(stage),
        ended=stage.ended,
        pools_changed=[name for name in POOLS if stage.children(name) != stage.pools[name]],
        code_run=code_run,
    )


def _logged(stage: Stage) -> frozenset[str]:
    found = set()
    for queue in POOLS:
        with (stage.folder / f"{queue}.log").open(errors="replace") as lines:
            found |= {ids[0] or ids[1] for line in lines for ids in _ENDS.findall(line)}
    return frozenset(found)
