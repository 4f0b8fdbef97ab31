"""The part of the kubelet's HTTPS API behind `kubectl logs`; for the rest it says what it is."""

import logging
import ssl
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

from rehearsal.node_agent.logs.files import find_log, last_lines
from rehearsal.node_agent.logs.request import LogRequest, log_request
from rehearsal.node_agent.pods.pod_folder import PodFolder
from rehearsal.node_agent.rules.node_status import HOST_IP
from rehearsal.node_agent.rules.records import Running

_FOLLOWS_EVERY_S = 0.25
_HANDSHAKE_S = 10.0
# How long a stop may take; looking more often would cost CPU for nothing.
_POLL_S = 0.5
_REFUSAL = "the node agent is a stand-in for a kubelet: it serves logs, but no exec, attach or port"

_log = logging.getLogger(__name__)


class LogServer:
    """Serves logs in threads of its own; it reads nothing but the pods' folders."""

    def __init__(self, pods: Path, tls: ssl.SSLContext) -> None:
        self._server = _Server((HOST_IP, 0), _Handler)
        self._server.tls = tls
        self._server.pods = pods
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), daemon=True
        )

    @property
    def port(self) -> int:
        return self._server.server_port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    tls: ssl.SSLContext
    pods: Path
    daemon_threads = True

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - the base class's own
        super().__init__(*args)
        self.stopping = threading.Event()

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - likewise
        # Here and not while accepting: a slow handshake must hold up its own thread only.
        plain: socket = request
        plain.settimeout(_HANDSHAKE_S)
        try:
            with self.tls.wrap_socket(plain, server_side=True) as encrypted:
                super().finish_request(encrypted, client_address)
        except OSError as error:
            _log.info("connection from %s: %s", client_address, error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        asked = log_request(self.path)
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, "ok")
        elif asked is None:
            self._answer(HTTPStatus.NOT_IMPLEMENTED, _REFUSAL)
        else:
            self._send_log(asked)

    def do_POST(self) -> None:
        self._answer(HTTPStatus.NOT_IMPLEMENTED, _REFUSAL)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's own
        _log.debug(format, *args)

    def _send_log(self, asked: LogRequest) -> None:
        try:
            log = find_log(
                self.server.pods,
                asked.namespace,
                asked.pod,
                asked.container,
                previous=asked.previous,
            )
        except LookupError as error:
            self._answer(HTTPStatus.BAD_REQUEST, str(error.args[0]))
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        position = log.stat().st_size
        self.wfile.write(_wanted(log, asked)[: asked.limit_bytes])
        if asked.follow:
            self._follow(log, position, asked)

    def _follow(self, log: Path, position: int, asked: LogRequest) -> None:
        folder = PodFolder(log.parents[2])
        while not self.server.stopping.is_set():
            # Looked at first: what is written before the end is still sent.
            running = _is_running(folder, asked.container)
            position = self._send_from(log, position)
            if not running:
                return
            time.sleep(_FOLLOWS_EVERY_S)

    def _send_from(self, log: Path, position: int) -> int:
        try:
            with log.open("rb") as source:
                # A log that has been cut starts over.
                source.seek(position if position <= log.stat().st_size else 0)
                self.wfile.write(source.read())
                return source.tell()
        except FileNotFoundError:
            return position

    def _answer(self, status: HTTPStatus, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def _wanted(log: Path, asked: LogRequest) -> bytes:
    # Lines carry no time here: a log is young if anything was written to it in the time asked for.
    if asked.since_s is not None and time.time() - log.stat().st_mtime > asked.since_s:
        return b""
    return last_lines(log, asked.tail_lines)


def _is_running(folder: PodFolder, container: str) -> bool:
    record = folder.read_record()
    return record is not None and isinstance(record.container(container).state, Running)
