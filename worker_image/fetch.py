"""Fetches one web page within bounds of time and size."""

import codecs
import time

import httpx

from worker_image.pages import Page, PageAwayError, PageError, page_of

# Of connecting and of each piece; a server that drips is stopped by the second.
TIMEOUT_S = 10.0
WHOLE_S = 60.0
SIZE_MAX_BYTES = 2 * 1024 * 1024
_REDIRECTS_MAX = 5
_USER_AGENT = "celery-fleet-scraper/1"
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


def fetch(url: str) -> Page:
    """Get a page over HTTP or HTTPS.

    Raises:
        PageError: not HTTP, refused by the server (4xx), too large, or too many redirects.
        PageAwayError: unreachable, timed out, asked to slow down (429), or a server error (5xx).

    """
    try:
        if httpx.URL(url).scheme not in {"http", "https"}:
            raise PageError(f"{url!r} is not an http:// or https:// address")
        with httpx.Client(
            timeout=TIMEOUT_S,
            follow_redirects=True,
            max_redirects=_REDIRECTS_MAX,
            headers={"user-agent": _USER_AGENT},
        ) as client:
            content, encoding = _download(client, url)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise PageError(f"{url!r}: {error}") from None
    except httpx.TransportError as error:
        raise PageAwayError(f"{url!r}: {type(error).__name__} {error}".rstrip()) from None
    except httpx.RequestError as error:
        raise PageError(f"{url!r}: {type(error).__name__} {error}".rstrip()) from None
    return page_of(content, encoding)


def _download(client: httpx.Client, url: str) -> tuple[bytes, str]:
    with client.stream("GET", url) as response:
        if response.status_code >= _SERVER_ERROR or response.status_code == _TOO_MANY_REQUESTS:
            raise PageAwayError(f"{url!r}: status {response.status_code}")
        if response.is_error:
            raise PageError(f"{url!r}: status {response.status_code}")
        content, deadline = bytearray(), time.monotonic() + WHOLE_S
        # Counted after decompression: a small answer may unpack to a huge one.
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > SIZE_MAX_BYTES:
                raise PageError(f"{url!r}: above {SIZE_MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise PageError(f"{url!r}: not finished after {WHOLE_S:.0f} s")
        return bytes(content), _known_encoding(response.charset_encoding)


def _known_encoding(told: str | None) -> str:
    try:
        return codecs.lookup(told or "utf-8").name
    except LookupError:
        return "utf-8"
