"""Where a run takes place: brokers, workers, a producer and the ledger of one arm."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from chaos import deed
from chaos.arms import JANITOR, ON_DEMAND, Arm, settings_document
from chaos.broker import Brokers
from chaos.ledger import PATH_VARIABLE, Ledger
from chaos.processes import Group, Processes, wait_for
from chaos.publisher import Publisher
from chaos.record import Execution, executions
from chaos.worker import Place

# Two of the queue with the trickle: one of them always survives.
_SLOTS = {"fast-0": "fast", "fast-1": "fast", "slow-0": "slow", "gpu-0": ON_DEMAND}
CUTTABLE = "fast-1"
_READY_S = 60.0


@dataclass
class Field:
    """All of one arm, in a folder of its own."""

    arm: Arm
    processes: Processes
    brokers: Brokers = field(init=False)
    ledger: Ledger = field(init=False)
    places: dict[str, Place] = field(init=False)
    publisher: Publisher = field(init=False)
    episode_began_at: float = 0.0
    """Unix time."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "settings.json").write_text(settings_document())
        self.brokers = Brokers(self.processes)
        self.ledger = Ledger(self.folder / "ledger.sqlite")
        environment = self._environment("producer")
        self.publisher = Publisher(self.processes, self.arm.app, environment)
        self.places = {
            slot: Place(slot, queue, self.folder, self._launch, wanted=queue != ON_DEMAND)
            for slot, queue in {**_SLOTS, **self.arm.beside}.items()
        }

    @property
    def folder(self) -> Path:
        return self.processes.folder

    def start(self) -> None:
        """Start all but the worker that scales to zero; wait until it takes messages."""
        self.ledger.create()
        self.brokers.start()
        for place in self.places.values():
            if place.wanted:
                place.start()
        self.publisher.start()
        for place in self.places.values():
            if place.wanted and place.queue:
                wait_for(lambda: place.ready, _READY_S, f"{place.name} is ready")  # noqa: B023 - at once

    def stop(self) -> None:
        """End everything."""
        self.publisher.close()
        self.processes.stop()

    def starts(self) -> list[Execution]:
        """Every start so far."""
        with self.ledger.connected() as db:
            return executions(db)

    def busy(self, queue: str) -> Place | None:
        """A worker of a queue that runs a task now."""
        open_on = {one.worker for one in self.starts() if one.ended_at is None}
        on = (place for place in self.places.values() if place.queue == queue and place.ready)
        return next((place for place in on if place.name in open_on), None)

    def beat(self, name: str) -> Group:
        """Start a beat."""
        command = ["-m", "celery", f"--app={self.arm.app}", "beat", "--loglevel=INFO"]
        return self.processes.start(
            name,
            *(sys.executable, *command),
            *(option.format(folder=self.folder) for option in self.arm.beat),
            env=self._environment(name),
        )

    def _launch(self, place: Place) -> Group:
        if place.slot == JANITOR:
            return self.processes.start(
                JANITOR,
                *(sys.executable, "-m", "worker_image.janitor"),
                env=self._environment(place.name),
            )
        cuttable = place.slot == CUTTABLE
        program = "chaos.skewed" if place.env else "celery"
        return self.processes.start(
            place.slot,
            *(sys.executable, *self.arm.command(program, place.name, place.queue)),
            env=self._environment(place.name, cuttable=cuttable)
            | {"FLEET_WORKER": place.queue, **place.env},
        )

    def _environment(self, name: str, *, cuttable: bool = False) -> dict[str, str]:
        folder, brokers = self.folder, self.brokers
        messages = brokers.cuttable if cuttable else brokers.shared
        results = brokers.cuttable_results if cuttable else brokers.of_results
        ca = f"&ssl_ca_certs={self.brokers.ca}" if self.arm.name == "stock" else ""
        return {
            **os.environ,
            # The fleet's arm takes the CA from a variable of its own, a stock one from the URL.
            "CELERY_BROKER_URL": messages.url() + ca,
            "CELERY_RESULT_BACKEND": results.url() + ca,
            "FLEET_BROKER_CA_FILE": str(self.brokers.ca),
            "FLEET_SETTINGS_FILE": str(folder / "settings.json"),
            "FLEET_DATA_DIR": str(folder / "data"),
            "IMAGINEER_MAINTENANCE_QUEUE": "fast",
            "POD_NAME": name,
            deed.WORKER_VARIABLE: name,
            PATH_VARIABLE: str(self.ledger.path),
            "PYTHONWARNINGS": "ignore",
        }
