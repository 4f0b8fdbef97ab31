"""Datasets fetched from a real server on loopback, whole or not at all, and resumed."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.worker_stage import enter
from worker_image import download as web
from worker_image.tasks.datasets import DatasetError, download
from worker_image.web_errors import WebAwayError, WebError

BODY = b"".join(b"line %d, and so on\n" % number for number in range(2500))


@dataclass
class Site:
    """A server with one file; it can cut an answer off, and forget what ranges are."""

    body: bytes = BODY
    etag: str | None = '"1"'
    cut_after: int | None = None
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("range")
            site.asked.append(wanted)
            same = site.ranges and self.headers.get("if-range") == site.etag
            start = int(wanted[6:-1]) if wanted and same else 0
            size = len(site.body)
            self.send_response(206 if start < size and start else 416 if start else 200)
            if start:
                told = f"{start}-{size - 1}/{size}" if start < size else f"*/{size}"
                self.send_header("content-range", f"bytes {told}")
            if site.etag:
                self.send_header("etag", site.etag)
            self.send_header("content-length", str(max(size - start, 0)))
            self.end_headers()
            cut = None if site.cut_after is None else start + site.cut_after
            self.wfile.write(site.body[start:cut])

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/file"
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(monkeypatch, tmp_path)


def cut_off(site: Site, after: int) -> None:
    """Let a first attempt end early."""
    site.cut_after = after
    with pytest.raises(WebAwayError):
        download(url=site.url, name="a.txt")
    site.cut_after = None


def write(data: Path, name: str, content: bytes) -> None:
    (data / "datasets").mkdir(exist_ok=True)
    (data / "datasets" / name).write_bytes(content)


def test_a_dataset_is_downloaded_whole_and_described(site: Site, data: Path) -> None:
    told = download(url=site.url, name="a.txt", sha256=sha256(BODY).hexdigest())

    assert (data / told["path"]).read_bytes() == BODY
    assert (told["bytes"], told["sha256"]) == (len(BODY), sha256(BODY).hexdigest())
    assert told["resumed_bytes"] == 0


def test_a_second_delivery_asks_the_server_nothing(site: Site, data: Path) -> None:
    first = download(url=site.url, name="a.txt")
    site.body = b"other"

    again = download(url=site.url, name="a.txt")

    assert again == {**first, "resumed_bytes": len(BODY)}
    assert len(site.asked) == 1
    assert (data / first["path"]).read_bytes() == BODY


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(site: Site, data: Path) -> None:
    cut_off(site, 1000)
    assert not (data / "datasets" / "a.txt").exists()

    told = download(url=site.url, name="a.txt")

    assert site.asked == [None, "bytes=1000-"]
    assert told["resumed_bytes"] == 1000
    assert (data / told["path"]).read_bytes() == BODY
    visible = [f.name for f in (data / "datasets").iterdir() if not f.name.startswith(".")]
    assert visible == ["a.txt"]
    assert not list((data / "datasets").glob("*.part*"))


def test_a_file_that_changed_meanwhile_is_fetched_anew(site: Site, data: Path) -> None:
    cut_off(site, 1000)
    site.etag, site.body = '"2"', BODY[::-1]

    told = download(url=site.url, name="a.txt")

    assert told["resumed_bytes"] == 0
    assert (data / told["path"]).read_bytes() == BODY[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_without_a_version_nothing_is_resumed(site: Site, data: Path, etag: str | None) -> None:
    site.etag = etag
    cut_off(site, 1000)

    assert download(url=site.url, name="a.txt")["resumed_bytes"] == 0
    assert site.asked == [None, None]
    assert data.is_dir()


def test_an_attempt_stopped_after_the_last_byte_is_found_whole(site: Site, data: Path) -> None:
    part = web.Part.of(data / "datasets" / "a.txt")
    part.file.parent.mkdir()
    web.download(site.url, part)

    told = download(url=site.url, name="a.txt")

    assert told["resumed_bytes"] == len(BODY)
    assert (data / told["path"]).read_bytes() == BODY


def test_a_file_with_another_hash_is_thrown_away(site: Site, data: Path) -> None:
    with pytest.raises(DatasetError, match="thrown away"):
        download(url=site.url, name="a.txt", sha256="0" * 64)

    assert [f.name for f in (data / "datasets").iterdir()] == [".a.txt.lock"]
    assert download(url=site.url, name="a.txt")["resumed_bytes"] == 0


def test_a_name_belongs_to_its_address(site: Site, data: Path) -> None:
    download(url=site.url, name="a.txt")
    write(data, "mine.txt", b"mine")

    with pytest.raises(DatasetError, match=r"here already, from .*: choose a name"):
        download(url=f"{site.url}-2", name="a.txt")
    with pytest.raises(DatasetError, match="hashes to"):
        download(url=site.url, name="a.txt", sha256="0" * 64)
    with pytest.raises(DatasetError, match="was not downloaded"):
        download(url=site.url, name="mine.txt")


@pytest.mark.parametrize("limit", [100, len(BODY) - 1])
def test_a_file_above_the_limit_is_refused_and_leaves_nothing(
    site: Site, data: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(web, "SIZE_MAX_BYTES", limit)

    with pytest.raises(WebError, match=f"above {limit} bytes"):
        download(url=site.url, name="a.txt")
    assert [f.name for f in (data / "datasets").iterdir()] == [".a.txt.lock"]


def test_a_server_in_trouble_is_asked_again_later() -> None:
    assert download.autoretry_for == (WebAwayError,)
    assert download.retry_backoff


@pytest.mark.parametrize("name", ["../a", "a/b", ".hidden", ""])
def test_a_name_that_is_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        download(url="http://127.0.0.1:1/", name=name)
