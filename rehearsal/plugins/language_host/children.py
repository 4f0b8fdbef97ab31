"""Runs the host's child processes and ends them with it; a program never outlives its host."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Literal

# The official host's patience with a program that was asked to end.
GRACE_S = 5.0
CHUNK_BYTES = 64 * 1024

Stream = Literal["stdout", "stderr"]


class Children:
    """The processes that run now."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """Run to the end, writing to this process's own output; negative codes are signals."""
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL)
        self._add(process)
        try:
            return process.wait()
        finally:
            self._discard(process)

    def start(
        self, command: Sequence[str], environ: Mapping[str, str], folder: Path
    ) -> subprocess.Popen[bytes]:
        """Start with piped output, for `output`; `stop` ends it early."""
        process = subprocess.Popen(
            command,
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._add(process)
        return process

    def output(self, process: subprocess.Popen[bytes]) -> Iterator[tuple[Stream, bytes]]:
        """What a started process writes, as it comes; ends when both its streams are closed."""
        queue: SimpleQueue[tuple[Stream, bytes]] = SimpleQueue()
        streams = (("stdout", process.stdout), ("stderr", process.stderr))
        for name, pipe in streams:
            threading.Thread(target=_read, args=(name, pipe, queue), daemon=True).start()
        still_open = len(streams)
        while still_open:
            stream, chunk = queue.get()
            if chunk:
                yield stream, chunk
            else:
                still_open -= 1
        process.wait()
        self._discard(process)

    def stop_all(self) -> None:
        """End every process: SIGINT, then SIGKILL after the grace period."""
        with self._lock:
            running = list(self._running)
        for process in running:
            process.send_signal(signal.SIGINT)
        for process in running:
            _wait_or_kill(process)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """End one process in the same way."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            _wait_or_kill(process)

    def _add(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.add(process)

    def _discard(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)


def _read(name: Stream, pipe: IO[bytes], queue: SimpleQueue[tuple[Stream, bytes]]) -> None:
    with pipe:
        # os.read returns what is there; pipe.read would hold lines back until its buffer is full.
        while chunk := os.read(pipe.fileno(), CHUNK_BYTES):
            queue.put((name, chunk))
    queue.put((name, b""))


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
