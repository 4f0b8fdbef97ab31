"""What is on a web page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_TITLE_MAX = 300


@dataclass(frozen=True)
class Page:
    """One page as it was served."""

    content: bytes
    title: str | None
    links: int


def page_of(content: bytes, encoding: str) -> Page:
    """Read title and links of a page; bytes that do not fit the encoding are replaced."""
    reader = _Reader()
    reader.feed(content.decode(encoding, errors="replace"))
    return Page(content, reader.title, reader.links)


@dataclass
class _Found:
    title: list[str] = field(default_factory=list)
    links: int = 0
    in_title: bool = False


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._found = _Found()

    @property
    def links(self) -> int:
        return self._found.links

    @property
    def title(self) -> str | None:
        text = " ".join("".join(self._found.title).split())
        return text[:_TITLE_MAX] or None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and dict(attrs).get("href"):
            self._found.links += 1
        self._found.in_title = tag == "title" and not self._found.title

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._found.in_title = False

    def handle_data(self, data: str) -> None:
        if self._found.in_title:
            self._found.title.append(data)
