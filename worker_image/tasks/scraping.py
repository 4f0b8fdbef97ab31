"""Fetches pages that robots.txt allows; the rate limit is the queue's (`rateLimits`)."""

from hashlib import sha256
from typing import TypedDict

from worker_image.storage import data_dir, write_atomically
from worker_image.tasks.declare import WEB_RETRIES, Url, fleet_task

FOLDER = "scrapes"


class Fetched(TypedDict):
    """What a page holds, and where it lies."""

    url: str
    path: str
    """Within the data folder; the same for the same address."""
    title: str | None
    links: int
    bytes: int
    sha256: str


@fleet_task(**WEB_RETRIES)
def fetch_page(url: Url) -> Fetched:
    """Fetch a page over HTTP or HTTPS and store it; a second fetch replaces the first."""
    from worker_image.fetch import fetch  # noqa: PLC0415 - httpx, where used only

    page = fetch(url)
    path = f"{FOLDER}/{sha256(url.encode()).hexdigest()[:32]}.html"
    write_atomically(data_dir() / path, page.content)
    return Fetched(
        url=url,
        path=path,
        title=page.title,
        links=page.links,
        bytes=len(page.content),
        sha256=sha256(page.content).hexdigest(),
    )
