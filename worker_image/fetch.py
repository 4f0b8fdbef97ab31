"""Fetches one web page within bounds of time and size, where its site lets it be fetched."""

import codecs
import time

import httpx

from worker_image.pages import Page, page_of
from worker_image.robots import Robots
from worker_image.web import asking, check_status
from worker_image.web_errors import WebError

# Of connecting and of each piece; a server that drips is stopped by the second.
TIMEOUT_S = 10.0
WHOLE_S = 60.0
SIZE_MAX_BYTES = 2 * 1024 * 1024

_ROBOTS = Robots()


def fetch(url: str) -> Page:
    """Get a page over HTTP or HTTPS.

    Raises:
        WebError: not HTTP, disallowed by robots.txt, refused by the server (4xx), too large, or
            too many redirects.
        WebAwayError: unreachable, timed out, asked to slow down (429), or a server error (5xx).

    """
    with asking(url, TIMEOUT_S) as client:
        client.event_hooks = {"request": [_allowed]}
        content, encoding = _download(client, url)
    return page_of(content, encoding)


def _allowed(request: httpx.Request) -> None:
    """Ask each site on the way: a redirect may lead to another one."""
    _ROBOTS.check(request.url)


def _download(client: httpx.Client, url: str) -> tuple[bytes, str]:
    with client.stream("GET", url) as response:
        check_status(url, response)
        content, deadline = bytearray(), time.monotonic() + WHOLE_S
        # Counted after decompression: a small answer may unpack to a huge one.
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > SIZE_MAX_BYTES:
                raise WebError(f"{url!r}: above {SIZE_MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise WebError(f"{url!r}: not finished after {WHOLE_S:.0f} s")
        return bytes(content), _known_encoding(response.charset_encoding)


def _known_encoding(told: str | None) -> str:
    try:
        return codecs.lookup(told or "utf-8").name
    except LookupError:
        return "utf-8"
