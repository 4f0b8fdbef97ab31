"""Publishes one task after the other, as the fleet does, until it is killed.

It waits for a line on its input. A line of its output file is the id of a message whose publish has
returned, and the seconds that took.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.image.arms import Shape, config, until
from infra.manifests.settings import settings_document

_CHECKOUT = Path(__file__).resolve().parents[2]
_TASK = "worker_image.tasks.canary.work"


@dataclass(frozen=True)
class Answered:
    """What one producer was answered for."""

    ids: Sequence[str]
    took_s: Sequence[float]
    """Of each publish."""


@dataclass
class Producer:
    """A producer's process."""

    process: subprocess.Popen[bytes]
    file: Path

    def begin(self) -> None:
        """Let it publish, and wait until it has."""
        assert self.process.stdin is not None  # noqa: S101 - a pipe, as asked for
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        until(lambda: self.file.exists() and self.file.stat().st_size, "a publish")

    def stop(self) -> None:
        """SIGKILL it; a publish that is under way is not answered."""
        self.process.kill()
        self.process.wait()

    def answered(self) -> Answered:
        """Read what it was answered for; a line cut off in the middle counts as none."""
        lines = [line.split() for line in self.file.read_text().splitlines(keepends=True)]
        whole = [line for line in lines if len(line) == 3]  # noqa: PLR2004 - with its end
        return Answered([line[0] for line in whole], [float(line[1]) for line in whole])


@contextmanager
def producing(folder: Path, port: int, confirm_replicas: int) -> Iterator[Producer]:
    """Start a producer that publishes to a server, once it is told to."""
    settings, out = folder / "settings.json", folder / "answered"
    document = json.loads(settings_document(config(Shape("prefork", 1), holds=False)))
    settings.write_text(json.dumps({**document, "confirmReplicas": confirm_replicas}))
    env = {
        **os.environ,
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "CELERY_RESULT_BACKEND": f"redis://127.0.0.1:{port}/1",
        "FLEET_SETTINGS_FILE": str(settings),
        "FLEET_DATA_DIR": str(folder),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "benchmarks.durability.producer", str(out)]
    with (folder / "producer.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=_CHECKOUT, env=env, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    started = Producer(process, out)
    try:
        yield started
    finally:
        started.stop()
        if process.stdin is not None:
            process.stdin.close()


def main(file: str) -> None:
    """Publish for ever."""
    from worker_image.app import app  # noqa: PLC0415 - it reads the environment

    app.loader.import_default_modules()
    app.finalize()
    with Path(file).open("wb", buffering=0) as out, app.producer_or_acquire() as producer:
        sys.stdin.readline()
        while True:
            began = time.perf_counter()
            sent = app.send_task(_TASK, kwargs={"seconds": 0}, producer=producer)
            out.write(f"{sent.id} {time.perf_counter() - began:.6f} .\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
