"""What a site's robots.txt lets the scraper fetch."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.unit.worker_stage import enter
from worker_image import fetch
from worker_image.robots import Robots, rules_of
from worker_image.tasks.scraping import fetch_page
from worker_image.web_errors import WebAwayError, WebError

GROUPS = """
User-agent: *
Disallow: /

User-agent: other-bot
user-agent: Celery-Fleet-Scraper  # this one
Disallow: /private
Allow: /private/open
Disallow: /*.pdf$
Disallow: /caf\u00e9
Disallow:
Sitemap: /sitemap.xml
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private", False),
        ("/private/x", False),
        ("/privately", False),
        ("/private/open/x", True),
        ("/a/b.pdf", False),
        ("/a/b.pdf?page=1", True),
        ("/caf%C3%A9/menu", False),
        ("/sitemap.xml", True),
    ],
)
def test_the_longest_rule_of_this_scrapers_group_decides(path: str, *, allowed: bool) -> None:
    assert rules_of(GROUPS).allow(path) is allowed


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("User-agent: *\nDisallow: /x", False),
        ("User-agent: *\nDisallow: /x\nAllow: /x", True),
        ("User-agent: other-bot\nDisallow: /", True),
        ("User-agent: celery-fleet-scraper\n\nUser-agent: *\nDisallow: /x", False),
        ("User-agent: celery-fleet-scraper\nDisallow:\nUser-agent: *\nDisallow: /x", True),
        ("Disallow: /x", True),
        ("<html>not found</html>", True),
        ("User-agent: *\nDisallow: /x$", True),
        ("User-agent: *\nDisallow: /x*/z*y", False),
        ("User-agent: *\nDisallow: *y$", False),
        ("", True),
    ],
)
def test_groups_and_signs(text: str, *, allowed: bool) -> None:
    assert rules_of(text).allow("/x/zy") is allowed


def test_a_hostile_pattern_costs_no_time() -> None:
    rules = rules_of(f"User-agent: *\nDisallow: /{'*a' * 5000}b")

    started = time.monotonic()
    assert rules.allow("/" + "a" * 5000)
    assert time.monotonic() - started < 1


class Site:
    """A server with a robots.txt; notes what is asked of it."""

    def __init__(self) -> None:
        self.robots: tuple[int, bytes] = (200, b"User-agent: *\nDisallow: /secret")
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                is_robots = self.path == "/robots.txt"
                status, body = site.robots if is_robots else (200, b"<title>page</title>")
                self.send_response(302 if self.path == "/moved" else status)
                if self.path == "/moved":
                    self.send_header("location", "/secret/page")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(fetch, "_ROBOTS", Robots())
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.02,))
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/secret/page", "/moved"])
def test_a_disallowed_page_is_never_asked_for(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    enter(monkeypatch, tmp_path)
    with pytest.raises(WebError, match=r"robots\.txt disallows"):
        fetch_page(url=f"{site.url}{path}")

    assert "/secret/page" not in site.asked


def test_a_site_is_asked_once_for_many_pages(site: Site) -> None:
    for number in range(3):
        fetch.fetch(f"{site.url}/{number}")

    assert site.asked == ["/robots.txt", "/0", "/1", "/2"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_site_that_cannot_say_is_asked_again_later(site: Site, status: int) -> None:
    site.robots = (status, b"")
    with pytest.raises(WebAwayError):
        fetch.fetch(f"{site.url}/page")
    assert site.asked == ["/robots.txt"]

    site.robots = (200, b"")
    assert fetch.fetch(f"{site.url}/page").title == "page"


@pytest.mark.parametrize("status", [401, 404, 410])
def test_a_site_without_rules_allows_everything(site: Site, status: int) -> None:
    site.robots = (status, b"User-agent: *\nDisallow: /")

    assert fetch.fetch(f"{site.url}/secret/page").title == "page"


def test_rules_are_asked_for_again_after_an_hour(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    robots, url = Robots(), httpx.URL(f"{site.url}/secret")
    with pytest.raises(WebError):
        robots.check(url)
    site.robots = (200, b"")
    with pytest.raises(WebError):
        robots.check(url)

    monkeypatch.setattr("worker_image.robots._KEPT_S", -1.0)
    robots.check(url)
