"""Where fuzzing takes place: one broker behind TLS, the image's workers, and a janitor."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from chaos import deed
from chaos.broker import Endpoint, Server
from chaos.fuzz.tasks import RUNS_VARIABLE
from chaos.ledger import PATH_VARIABLE
from chaos.processes import Group, Processes, wait_for
from rehearsal.control_plane.certificates import Pair, ensure_authority
from rehearsal.control_plane.issuing import Subject

POOLS: Mapping[str, str] = {"default": "prefork", "threaded": "threads"}
"""The pool of each worker, which is named as its one queue."""
VISIBILITY_S = 8
_SLOTS = 2
_READY_S = 90.0
_LIMITS = {"softTimeLimitSeconds": 25, "timeLimitSeconds": 30}
JANITOR = "janitor"


def held_key(queue: str) -> str:
    """Hash of the messages that a queue's worker holds."""
    return f"unacked:{queue}"


def settings_document() -> str:
    """Give settings.json."""
    routes = {"default": ["worker_image.tasks.*", "chaos.fuzz.*"], "threaded": []}
    return json.dumps(
        {
            "queues": {name: {**_LIMITS, "routes": routes[name]} for name in POOLS},
            "workers": {name: {"queues": [name], "inFlightKey": held_key(name)} for name in POOLS},
            "visibilityTimeoutSeconds": VISIBILITY_S,
            "deliveryLimit": 3,
        }
    )


@dataclass
class Stage:
    """All of one run, in a folder of its own."""

    processes: Processes
    app: str = "chaos.fuzz.app"
    """Of the workers."""
    server: Server = field(init=False)
    endpoint: Endpoint = field(init=False)
    workers: dict[str, Group] = field(default_factory=dict)
    """Each worker, and the janitor."""
    pools: dict[str, frozenset[int]] = field(default_factory=dict)
    """Process ids of each worker's pool at its start."""
    rss_mib: dict[str, float] = field(default_factory=dict)
    """The most that each main process, or a process of its pool, was seen to take."""

    def __post_init__(self) -> None:
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        (self.folder / "settings.json").write_text(settings_document())
        authority = ensure_authority(self._pair("ca"))
        leaf = self._pair("leaf")
        authority.ensure_leaf(leaf, Subject("broker", names=("127.0.0.1",)))
        self.server = Server("messages", self.processes)
        self.endpoint = Endpoint("shared", self.server.socket_file, leaf, self.processes)

    @property
    def folder(self) -> Path:
        return self.processes.folder

    @property
    def runs_file(self) -> Path:
        return self.folder / "runs"

    @property
    def ended(self) -> list[str]:
        """Processes that have ended; none should."""
        return [name for name, group in self.workers.items() if group.code is not None]

    def start(self) -> None:
        """Start everything; wait until the workers take messages."""
        self.server.start()
        self.endpoint.start()
        for queue, pool in POOLS.items():
            self.workers[queue] = self._worker(queue, pool)
        program = (sys.executable, "-m", "worker_image.janitor")
        self.workers[JANITOR] = self.processes.start(JANITOR, *program, env=self.env(JANITOR))
        for queue in POOLS:
            ready = deed.ready_file(self.folder, queue)
            wait_for(ready.exists, _READY_S, f"worker {queue} is ready")
            self.pools[queue] = self.children(queue)

    def stop(self) -> None:
        """End everything."""
        self.processes.stop()

    def children(self, queue: str) -> frozenset[int]:
        """Process ids of a worker's pool."""
        try:
            return frozenset(each.pid for each in self._process(queue).children())
        except psutil.NoSuchProcess:
            return frozenset()

    def measure(self) -> None:
        """Look at how much memory everything takes, and keep the most."""
        for name in self.workers:
            try:
                process = self._process(name)
                family = [process, *process.children()]
                most = max(each.memory_info().rss for each in family) / 1024**2
            except psutil.NoSuchProcess:
                continue
            self.rss_mib[name] = max(most, self.rss_mib.get(name, 0.0))

    def env(self, name: str) -> dict[str, str]:
        """Environment of a process of the image."""
        return {
            **os.environ,
            "CELERY_BROKER_URL": self.endpoint.url(),
            "CELERY_RESULT_BACKEND": self.endpoint.url(1),
            "FLEET_BROKER_CA_FILE": str(self._pair("ca").certificate),
            "FLEET_SETTINGS_FILE": str(self.folder / "settings.json"),
            "FLEET_DATA_DIR": str(self.folder / "data"),
            "POD_NAME": name,
            deed.WORKER_VARIABLE: name,
            PATH_VARIABLE: str(self.folder / "ledger"),
            RUNS_VARIABLE: str(self.runs_file),
            "PYTHONWARNINGS": "ignore",
        }

    def _worker(self, queue: str, pool: str) -> Group:
        return self.processes.start(
            queue,
            *(sys.executable, "-m", "celery", f"--app={self.app}", "worker", "--loglevel=INFO"),
            *(f"--queues={queue}", f"--hostname={queue}@fuzz", f"--pool={pool}"),
            *(f"--concurrency={_SLOTS}", "--prefetch-multiplier=1", "--disable-prefetch"),
            *("-O", "fair", "--without-gossip", "--without-mingle"),
            env=self.env(queue) | {"FLEET_WORKER": queue},
        )

    def _process(self, name: str) -> psutil.Process:
        return psutil.Process(self.workers[name].process.pid)

    def _pair(self, name: str) -> Pair:
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
