"""What a run's ledger and broker say, as plain values for rules and figures."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from chaos.ledger import Ledger


@dataclass(frozen=True)
class Published:
    """A message that a producer sent, or tried to."""

    id: str
    queue: str
    kind: str
    episode: str
    asked_at: float
    at: float
    """When publishing had returned."""
    error: str | None = None
    """Why it was refused; None where the broker answered for it."""


@dataclass(frozen=True)
class Execution:
    """One start of a task."""

    id: str
    attempt: int
    worker: str
    began_at: float
    ended_at: float | None = None
    """None where nothing was left to tell its end."""
    outcome: str | None = None


@dataclass(frozen=True)
class Excuses:
    """What a fault is allowed to cause."""

    victims: bool = False
    """Starts after one that the fault cut off on a victim."""
    once_over: bool = False
    """Of those, only starts once it was over: until then the victim could settle what it held."""
    overlaps: bool = False
    """Two runs at once, as the victim was away for longer than the visibility timeout."""
    publishes_s: float = 0.0
    """Messages published so shortly before may be gone."""
    takes_s: float = 0.0
    """That a message was taken, or acknowledged, so shortly before may be forgotten."""
    ids: tuple[str, ...] = ()
    """Messages that may start once more, whoever ran them."""
    parked: tuple[str, ...] = ()
    """Dead letters that were there, and that the broker was made to forget."""


@dataclass(frozen=True)
class Struck:
    """A fault as it came."""

    number: int
    name: str
    episode: str
    injected_at: float
    healed_at: float
    victims: tuple[str, ...] = ()
    excuses: Excuses = Excuses()
    done_at: float = 0.0
    """When all of it had come; a broker may have answered until then."""


@dataclass(frozen=True)
class EndedWorker:
    """How a worker's process ended; a code below 0 is a signal's."""

    worker: str
    code: int
    at: float


@dataclass(frozen=True)
class Keys:
    """What the broker held once all was at rest, and while it was not."""

    left: Mapping[str, int] = field(default_factory=dict)
    """Length of each list, hash and sorted set of messages that was not empty at rest."""
    mismatches: Sequence[str] = ()
    """Moments at which a hash of held messages and its index had different lengths."""
    waiting: frozenset[str] = frozenset()
    """Ids of messages that a worker would still take, or give back: late, and not lost."""
    dead: frozenset[str] = frozenset()
    """Ids in the dead-letter lists."""


@dataclass(frozen=True)
class Observed:
    """One run of one arm."""

    published: Sequence[Published]
    executions: Sequence[Execution]
    effects: Mapping[str, tuple[int, int]]
    """Applied and withheld effects by id."""
    faults: Sequence[Struck] = ()
    ends: Sequence[EndedWorker] = ()
    ticks: Sequence[tuple[str, float]] = ()
    """Id and time of each run of what beat sends."""
    keys: Keys = Keys()

    @cached_property
    def by_id(self) -> Mapping[str, Sequence[Execution]]:
        """Starts of each id in the order they came."""
        found: dict[str, list[Execution]] = defaultdict(list)
        for execution in sorted(self.executions, key=lambda one: one.began_at):
            found[execution.id].append(execution)
        return found

    @cached_property
    def committed(self) -> frozenset[str]:
        return frozenset(one.id for one in self.executions if one.outcome == "committed")


def read(ledger: Ledger, keys: Keys) -> Observed:
    """Read a whole run."""
    with ledger.connected() as db:
        faults = [_struck(row) for row in db.execute("SELECT * FROM fault")]
        parked = {task for fault in faults for task in fault.excuses.parked}
        return Observed(
            published=[
                Published(*row)
                for row in db.execute(
                    "SELECT id, queue, kind, episode, asked_at, at, error FROM published"
                )
            ],
            executions=executions(db),
            effects={
                task: (applied, withheld)
                for task, applied, withheld in db.execute(
                    "SELECT id, SUM(applied), SUM(NOT applied) FROM effect GROUP BY id"
                )
            },
            faults=faults,
            ends=[EndedWorker(*row) for row in db.execute("SELECT * FROM ended_worker")],
            ticks=db.execute("SELECT id, at FROM tick ORDER BY at").fetchall(),
            keys=replace(keys, dead=keys.dead | parked),
        )


def executions(db: sqlite3.Connection) -> list[Execution]:
    """Read every start so far."""
    rows = db.execute("SELECT id, attempt, worker, began_at, ended_at, outcome FROM execution")
    return [Execution(*row) for row in rows]


def _struck(row: tuple[int, str, str, float, float | None, str, str, float | None]) -> Struck:
    number, name, episode, injected_at, healed_at, victims, told, done_at = row
    excuses = json.loads(told)
    for key in ("ids", "parked"):
        excuses[key] = tuple(excuses.get(key, ()))
    return Struck(
        *(number, name, episode, injected_at, healed_at or injected_at),
        *(tuple(json.loads(victims)), Excuses(**excuses), done_at or injected_at),
    )
