"""robots.txt: what a site lets this scraper fetch, read as RFC 9309 says.

The longest rule that matches decides, `*` and a final `$` in it count. Python's own parser takes
the first rule instead, and knows neither sign (3.11, urllib.robotparser).
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from worker_image.web import AGENT, asking, check_status
from worker_image.web_errors import WebError

FILE = "/robots.txt"
_TIMEOUT_S = 10.0
# RFC 9309, 2.5: at least 500 KiB are to be read.
_READ_MAX_BYTES = 512 * 1024
# RFC 9309, 2.4: no longer than a day.
_KEPT_S = 3600.0
_SITES_MAX = 1000
_ALWAYS_QUOTED = "/%*$?&=+,:;@!~'()[]#"
_CLIENT_ERRORS = range(400, 500)
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True)
class Rules:
    """What one site says to this scraper: whether a path may be fetched, by pattern."""

    allowed: tuple[tuple[str, bool], ...] = ()

    def allow(self, path: str) -> bool:
        """Decide on a path with its query; what no rule names may be fetched."""
        found = [(len(p), allowed) for p, allowed in self.allowed if _matches(p, path)]
        # Of two rules of one length the one that allows counts.
        return max(found, default=(0, True))[1]


class Robots:
    """The rules of the sites that this process has asked, kept for an hour."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Rules]] = {}

    def check(self, url: httpx.URL) -> None:
        """Pass what the site lets be fetched.

        Raises:
            WebError: it does not.
            WebAwayError: it cannot be asked now, and so nothing of it may be fetched.

        """
        path = url.raw_path.decode()
        if path != FILE and not self._rules(url).allow(path):
            raise WebError(f"{str(url)!r}: the site's robots.txt disallows it")

    def _rules(self, url: httpx.URL) -> Rules:
        site = f"{url.scheme}://{url.netloc.decode()}"
        asked_at, rules = self._known.get(site, (0.0, Rules()))
        if site not in self._known or time.monotonic() - asked_at > _KEPT_S:
            if len(self._known) >= _SITES_MAX:
                self._known.pop(next(iter(self._known)))
            rules = _ask(site)
            self._known[site] = time.monotonic(), rules
        return rules


def rules_of(text: str) -> Rules:
    """Read a robots.txt: the rules of the groups that name this scraper, else of `*`."""
    mine: list[tuple[str, bool]] = []
    all_others: list[tuple[str, bool]] = []
    agents: set[str] = set()
    named, in_rules = False, False
    for key, value in _lines(text):
        if key == "user-agent":
            agents = {value.lower()} if in_rules else agents | {value.lower()}
            in_rules = False
            named = named or AGENT in agents
        elif key in {"allow", "disallow"}:
            in_rules = True
            # An empty rule disallows nothing.
            rule = [(quote(value, safe=_ALWAYS_QUOTED), key == "allow")] if value else []
            mine += rule if AGENT in agents else []
            all_others += rule if "*" in agents else []
    return Rules(tuple(mine if named else all_others))


def _ask(site: str) -> Rules:
    url = f"{site}{FILE}"
    with asking(url, _TIMEOUT_S) as client, client.stream("GET", url) as response:
        if response.status_code in _CLIENT_ERRORS and response.status_code != _TOO_MANY_REQUESTS:
            return Rules()
        check_status(url, response)
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) >= _READ_MAX_BYTES:
                break
    return rules_of(content[:_READ_MAX_BYTES].decode(errors="replace"))


def _lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _matches(pattern: str, path: str) -> bool:
    """Whether a path begins as a pattern says; without backtracking, whatever the pattern."""
    anchored = pattern.endswith("$")
    first, *rest = re.sub(r"\*+", "*", pattern.removesuffix("$")).split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    last = rest.pop() if anchored and rest else None
    for piece in rest:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if last is not None:
        return path.endswith(last) and len(path) - len(last) >= at
    return not anchored or at == len(path)
