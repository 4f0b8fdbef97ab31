"""The way to a Service of a cluster elsewhere: `kubectl port-forward`, as long as it is needed."""

import atexit
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

import httpx

from rehearsal.errors import RehearsalError

HOST = "127.0.0.1"
# A sign-in and a round trip to another region.
_LIMIT_S = 30.0
_POLL_S = 0.05
_END_S = 5.0
_LISTENS = re.compile(rf"Forwarding from {re.escape(HOST)}:(\d+) ")


class PortForward(httpx.BaseTransport):
    """Sends every request through one kubectl, which is started anew where it has ended.

    It ends with its pod; safe to share between threads.
    """

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self._arguments, self._environ = arguments, environ
        self._inner = httpx.HTTPTransport(trust_env=False)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        atexit.register(self.close)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on.

        Raises:
            RehearsalError: where kubectl is missing, or ends without listening.

        """
        request.url = request.url.copy_with(port=self._listening())
        try:
            return self._inner.handle_request(request)
        except httpx.TransportError:
            # kubectl may listen on after its pod is gone.
            self._stop()
            raise

    def close(self) -> None:
        """End kubectl."""
        atexit.unregister(self.close)
        self._stop()
        self._inner.close()

    def _listening(self) -> int:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._port = self._start()
            return self._port

    def _start(self) -> int:
        kubectl = shutil.which("kubectl", path=self._environ.get("PATH"))
        if kubectl is None:
            raise _no_way("kubectl, which forwards a port to them, is not on PATH")
        # Not a pipe: kubectl tells of every connection, and would block where nobody reads.
        with tempfile.TemporaryFile() as printed:
            self._process = subprocess.Popen(
                [kubectl, *self._arguments, "--address", HOST],
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
            return self._port_of(self._process, printed)

    def _port_of(self, process: subprocess.Popen[bytes], printed: IO[bytes]) -> int:
        deadline = time.monotonic() + _LIMIT_S
        while True:
            ended = process.poll() is not None
            printed.seek(0)
            told = printed.read().decode(errors="replace")
            if found := _LISTENS.search(told):
                return int(found[1])
            if ended or time.monotonic() > deadline:
                process.kill()
                raise _no_way(f"kubectl port-forward: {told.strip() or 'it said nothing'}")
            time.sleep(_POLL_S)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _no_way(why: str) -> RehearsalError:
    return RehearsalError(
        what="the fleet's HTTP API cannot be reached from here",
        why=f"its pods have no address outside of their cluster; {why}",
        mend="install kubectl; see whether it reaches the cluster: kubectl get --raw /version",
    )
