"""A receiver of Alertmanager's: an HTTP server that keeps what it is told, and when."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_STOP_S = 5.0


@dataclass(frozen=True)
class Notice:
    """One alert of one notification."""

    status: str
    """`firing` or `resolved`."""
    labels: dict[str, str]
    at: float
    """When it came, of the monotonic clock."""


class Receiver:
    """What came so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._notices: list[Notice] = []

    def take(self, notification: dict[str, Any]) -> None:
        """Keep the alerts of a notification."""
        now = time.monotonic()
        for alert in notification["alerts"]:
            self._notices.append(Notice(alert["status"], alert["labels"], now))

    def notices(self, since: float = 0.0) -> list[Notice]:
        """Everything told since then, in order."""
        return [notice for notice in list(self._notices) if notice.at >= since]

    def first(self, status: str, labels: dict[str, str], since: float) -> Notice | None:
        """The first notice with these labels, others besides."""
        for notice in self.notices(since):
            if notice.status == status and labels.items() <= notice.labels.items():
                return notice
        return None


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve a webhook on loopback."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join(_STOP_S)
