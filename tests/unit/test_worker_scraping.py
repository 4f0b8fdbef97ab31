"""Pages fetched from a real server on loopback."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.worker_stage import enter
from worker_image import fetch
from worker_image.tasks.scraping import fetch_page
from worker_image.web_errors import WebAwayError, WebError

PAGE = b"""<html><head><title> Two
 links </title></head><body><a href="/a">a</a><a href="/b">b</a><a name="c">c</a>
<svg><title>no</title></svg></body></html>"""
PLAIN = {"Content-Type": "text/html; charset=utf-8"}

ANSWERS = {
    "/page": (200, PLAIN, PAGE),
    "/latin": (200, {"Content-Type": "text/html; charset=latin-1"}, b"<title>caf\xe9</title>"),
    "/odd": (200, {"Content-Type": "text/html; charset=no-such"}, b"<title>ok</title>"),
    "/moved": (302, {"Location": "/page"}, b""),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/file": (302, {"Location": "file:///etc/hostname"}, b""),
    "/gone": (404, PLAIN, b""),
    "/busy": (429, PLAIN, b""),
    "/broken": (500, PLAIN, b""),
    "/bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(fetch.SIZE_MAX_BYTES + 1))),
    "/garbled": (200, {"Content-Encoding": "gzip"}, b"not gzip"),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = ANSWERS.get(self.path, (404, PLAIN, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(monkeypatch, tmp_path)


def test_a_page_is_stored_and_described(site: str, data: Path) -> None:
    fetched = fetch_page(url=f"{site}/page")

    assert (fetched["title"], fetched["links"], fetched["bytes"]) == ("Two links", 2, len(PAGE))
    assert (data / fetched["path"]).read_bytes() == PAGE


def test_fetching_again_replaces_the_page(site: str, data: Path) -> None:
    first = fetch_page(url=f"{site}/page")

    assert fetch_page(url=f"{site}/page") == first
    assert len(list((data / "scrapes").iterdir())) == 1


def test_a_redirect_is_followed(site: str, data: Path) -> None:
    assert fetch_page(url=f"{site}/moved")["title"] == "Two links"
    assert data.is_dir()


@pytest.mark.parametrize(("path", "title"), [("/latin", "café"), ("/odd", "ok")])
def test_the_servers_encoding_is_used_if_it_is_one(site: str, path: str, title: str) -> None:
    assert fetch.fetch(site + path).title == title


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/gone", "status 404"),
        ("/bomb", "above 2097152 bytes"),
        ("/loop", "TooManyRedirects"),
        ("/file", "is not an http"),
        ("/garbled", "DecodingError"),
    ],
)
def test_a_page_that_will_never_come_fails_at_once(site: str, path: str, told: str) -> None:
    with pytest.raises(WebError, match=f"(?i){told}"):
        fetch.fetch(site + path)


@pytest.mark.parametrize("path", ["/busy", "/broken"])
def test_a_server_in_trouble_is_worth_another_try(site: str, path: str) -> None:
    with pytest.raises(WebAwayError):
        fetch.fetch(site + path)


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with pytest.raises(WebAwayError, match="ConnectError"):
        fetch.fetch("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/", "//x", "http://x:port/"]
)
def test_only_the_web_is_fetched(url: str) -> None:
    with pytest.raises(WebError):
        fetch.fetch(url)


def test_a_dripping_server_is_given_up(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WHOLE_S", -1.0)

    with pytest.raises(WebError, match="not finished after"):
        fetch.fetch(f"{site}/page")


def test_retries_are_few_and_spread() -> None:
    assert fetch_page.max_retries == 5
    assert fetch_page.retry_jitter
    assert fetch_page.retry_backoff_max <= 60
    assert fetch_page.autoretry_for == (WebAwayError,)
