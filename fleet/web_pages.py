"""A few HTML pages on loopback for the demonstration's scraping; gone when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_TOPICS = ("queues", "workers", "brokers", "schedules", "scalers")
_OK, _NOT_FOUND = 200, 404


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/").removesuffix(".html")
        body = page(name).encode()
        self.send_response(_OK if name in page_names() else _NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:  # noqa: ANN401 - http.server's signature
        """Keep the requests off the operator's terminal."""


def page_names() -> list[str]:
    """Names of the pages: an index and its topics."""
    return ["index", *_TOPICS]


def page(name: str) -> str:
    """HTML of one page, with a title, a paragraph and links to the others."""
    others = [other for other in page_names() if other != name]
    links = "".join(f'<li><a href="/{other}.html">{other}</a></li>' for other in others)
    text = f"What an operator should know about {name}." if name in page_names() else "No such page"
    return (
        f'<!doctype html><html lang="en"><head><title>Notes on {name}</title></head>'
        f"<body><h1>Notes on {name}</h1><p>{text}</p><ul>{links}</ul></body></html>"
    )


@contextmanager
def served() -> Iterator[list[str]]:
    """Serve the pages on a free loopback port; yields their addresses."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = Thread(target=server.serve_forever, name="web-pages", daemon=True)
    thread.start()
    try:
        yield [f"http://127.0.0.1:{server.server_port}/{name}.html" for name in page_names()]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
