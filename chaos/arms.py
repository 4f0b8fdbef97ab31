"""The two arms of a campaign: the fleet's worker, and a stock one; and what both are given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

VISIBILITY_S = 8
"""Visibility timeout of both arms."""
BEAT_S, BEAT_QUEUE = 1, "fast"
NEWER_VARIABLE = "CHAOS_NEWER_PRODUCER"
"""Set for a producer that knows a task which the workers do not."""
_TIME_LIMIT_S = 60
DELIVERY_LIMIT = 3

WORKERS: Mapping[str, int] = {"fast": 2, "slow": 4, "gpu": 1}
"""Concurrency by worker, which is also its one queue."""
JANITOR = "janitor"
"""The place of what looks after messages of workers that are gone; it has no queue."""
ON_DEMAND = "gpu"
"""The worker that scales to zero."""

ArmName = Literal["ours", "stock"]


@dataclass(frozen=True)
class Arm:
    """How one arm's processes are started, and where its broker keeps what."""

    name: ArmName
    app: str
    options: tuple[str, ...] = ()
    """Of a worker, beyond queue, name and concurrency."""
    beat: tuple[str, ...] = ()
    """Options of beat; `{folder}` is the run's."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Places beyond the workers', with their queues."""
    counts_held: bool = True
    """Whether its scaler sees what workers hold."""
    sweep_s: float = 10.0
    """Between two looks for messages past their visibility timeout."""

    def held_key(self, queue: str) -> str:
        """Hash of the messages that the workers of a queue hold."""
        return f"unacked:{queue}" if self.name == "ours" else "unacked"

    def command(self, program: str, worker: str, queue: str) -> list[str]:
        """Give a worker's program and arguments, after `python -m`."""
        named = [f"--queues={queue}", f"--hostname={worker}@chaos"]
        slots = [f"--concurrency={WORKERS[queue]}", *self.options]
        return ["-m", program, f"--app={self.app}", "worker", "--loglevel=INFO", *named, *slots]


OURS = Arm(
    "ours",
    "chaos.fleet_app",
    options=(
        *("--prefetch-multiplier=1", "--disable-prefetch", "-O", "fair"),
        *("--without-gossip", "--without-mingle"),
    ),
    beside={JANITOR: ""},
)
STOCK = Arm(
    "stock",
    "chaos.stock_app",
    beat=("--schedule={folder}/beat", "--pidfile="),
    counts_held=False,
    # kombu 5.7.0: every tenth look of one each 10 s.
    sweep_s=100.0,
)
ARMS: Mapping[str, Arm] = {arm.name: arm for arm in (OURS, STOCK)}


def settings_document() -> str:
    """Give settings.json of the fleet's arm."""
    limits = {"softTimeLimitSeconds": _TIME_LIMIT_S - 5, "timeLimitSeconds": _TIME_LIMIT_S}
    return json.dumps(
        {
            "queues": dict.fromkeys(WORKERS, limits),
            "workers": {
                name: {"queues": [name], "inFlightKey": OURS.held_key(name)} for name in WORKERS
            },
            "visibilityTimeoutSeconds": VISIBILITY_S,
            "deliveryLimit": DELIVERY_LIMIT,
        }
    )
