"""Asks web servers, over HTTP and HTTPS alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from worker_image.web_errors import WebAwayError, WebError

_REDIRECTS_MAX = 5
AGENT = "celery-fleet-scraper"
"""What a robots.txt calls this scraper."""
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


@contextmanager
def asking(url: str, timeout_s: float) -> Iterator[httpx.Client]:
    """Give a client for one address; a time-out is of connecting and of each piece.

    Raises:
        WebError: not HTTP or HTTPS, or too many redirects.
        WebAwayError: unreachable or timed out.

    """
    try:
        if httpx.URL(url).scheme not in {"http", "https"}:
            raise WebError(f"{url!r} is not an http:// or https:// address")
        with httpx.Client(
            timeout=timeout_s,
            follow_redirects=True,
            max_redirects=_REDIRECTS_MAX,
            headers={"user-agent": f"{AGENT}/1"},
        ) as client:
            yield client
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise WebError(f"{url!r}: {error}") from None
    except httpx.TransportError as error:
        raise WebAwayError(f"{url!r}: {type(error).__name__} {error}".rstrip()) from None
    except httpx.RequestError as error:
        raise WebError(f"{url!r}: {type(error).__name__} {error}".rstrip()) from None


def check_status(url: str, response: httpx.Response) -> None:
    """Pass a success.

    Raises:
        WebError: refused by the server (4xx).
        WebAwayError: asked to slow down (429), or a server error (5xx).

    """
    if response.status_code >= _SERVER_ERROR or response.status_code == _TOO_MANY_REQUESTS:
        raise WebAwayError(f"{url!r}: status {response.status_code}")
    if response.is_error:
        raise WebError(f"{url!r}: status {response.status_code}")
