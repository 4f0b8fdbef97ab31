"""Takes replicas away, one after the other, and gives them back."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from benchmarks.scale_in.load import Load
from benchmarks.scale_in.target import Target, is_ending, wait_until
from benchmarks.scale_in.victim import Victim, examine
from fleet.kubernetes import Object

_READY_LIMIT_S = 120.0
_SETTLE_LIMIT_S = 30.0
_PAUSE_S = 0.5


@dataclass
class Rounds:
    """A number of scale-ins of one worker under full load."""

    target: Target
    load: Load
    replicas: int
    """From here it goes down ..."""
    floor: int
    """... to here, one by one, and up again at once."""
    tell: Callable[[str], None]
    victims: list[Victim] = field(default_factory=list)
    _ending: list[threading.Thread] = field(default_factory=list)

    def run(self, rounds: int) -> None:
        """Do them all; returns when the last victim is gone.

        Raises:
            TimeoutError: pods or tasks did not come.

        """
        done = 0
        while done < rounds:
            self._fill()
            for left in range(self.replicas - 1, self.floor - 1, -1):
                if done == rounds:
                    break
                self._scale_in(left)
                done += 1
            self.tell(f"{done}/{rounds} scale-ins, {len(self.load.sent)} tasks sent")
        for thread in self._ending:
            thread.join()

    def _fill(self) -> None:
        self.target.scale(self.replicas)
        wait_until(
            lambda: len(self.target.ready()) == self.replicas, _READY_LIMIT_S, "all pods are ready"
        )

    def _scale_in(self, left: int) -> None:
        """Take one replica away while every slot works."""
        time.sleep(_PAUSE_S)
        queue = self.load.queue
        wait_until(lambda: self.load.api.queues()[queue].pending > 0, _READY_LIMIT_S, "tasks wait")
        pods = {pod["metadata"]["name"]: pod for pod in self.target.ready()}
        # Opened now: the agent removes a pod's files with the pod.
        logs = {name: self.target.log(pod).open(errors="replace") for name, pod in pods.items()}
        began = time.monotonic()
        self.target.scale(left)
        wait_until(lambda: bool(self._ended(pods)), _SETTLE_LIMIT_S, "a pod ends")
        hit = self._ended(pods)
        for name, log in logs.items():
            if name not in hit:
                log.close()
                continue
            thread = threading.Thread(target=self._attend, args=(name, began, log))
            self._ending.append(thread)
            thread.start()

    def _ended(self, pods: dict[str, Object]) -> list[str]:
        there = {pod["metadata"]["name"]: pod for pod in self.target.pods()}
        return [name for name in pods if name not in there or is_ending(there[name])]

    def _attend(self, name: str, began: float, log: TextIO) -> None:
        with log:
            while name in {pod["metadata"]["name"] for pod in self.target.pods()}:
                time.sleep(_PAUSE_S / 5)
            self.victims.append(examine(name, time.monotonic() - began, log))
