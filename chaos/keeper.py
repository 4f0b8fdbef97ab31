"""Keeps workers as a cluster would: restarts those that end, and scales one queue to zero and back.

The scaler is a stand-in for KEDA, without a cluster: it looks at the list and, in the fleet's arm,
at the hash of held messages; a stock scaler sees the list alone.
"""

import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import redis

from chaos.arms import ON_DEMAND, WORKERS
from chaos.field import Field
from chaos.worker import RESTART_S, Place

_LOOK_S = 0.2
COOLDOWN_S = 5.0
"""Before the stand-in scales to zero."""


@dataclass
class Keeper:
    """One thread of a run; it also compares the hash of held messages with its index."""

    stage: Field
    mismatches: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _active_at: float = 0.0
    _draining: str = ""
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; workers are then left as they are."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_S):
            # Away by a fault: as KEDA without a fallback, nothing changes.
            with suppress(redis.RedisError):
                self._look_at_broker()
            for place in self.stage.places.values():
                # None starts once the run is over.
                with suppress(RuntimeError):
                    self._keep(place)

    def _keep(self, place: Place) -> None:
        if place.group is not None and place.group.code is not None:
            self.stage.ledger.ended_worker(place.name, place.group.code)
            place.group = None
            place.held_back_until = max(place.held_back_until, time.monotonic() + RESTART_S)
        if place.group is None and place.wanted and time.monotonic() >= place.held_back_until:
            place.start()
        elif not place.wanted and place.ready and self._draining != place.name:
            # Once: a second one would end it cold.
            self._draining = place.name
            place.signal(signal.SIGTERM, main_only=True)

    def _look_at_broker(self) -> None:
        arm = self.stage.arm
        with self.stage.brokers.messages.client() as client:
            for key in {arm.held_key(queue) for queue in WORKERS}:
                with client.pipeline(transaction=True) as pipe:
                    held, index = pipe.hlen(key).zcard(f"{key}_index").execute()
                if held != index:
                    self.mismatches.append(f"{key}: {held} held, {index} in the index")
            wanted = client.llen(ON_DEMAND)
            if arm.counts_held:
                wanted += client.hlen(arm.held_key(ON_DEMAND))
        now_s = time.monotonic()
        self._active_at = now_s if wanted else self._active_at
        place = next(one for one in self.stage.places.values() if one.queue == ON_DEMAND)
        place.wanted = now_s - self._active_at < COOLDOWN_S
