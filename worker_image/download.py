"""Downloads one file, and picks up where an earlier attempt was stopped."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import httpx

from worker_image.web import asking, check_status
from worker_image.web_errors import WebAwayError, WebError

# Of connecting and of each piece; the whole is bounded by the task's time limit.
TIMEOUT_S = 30.0
SIZE_MAX_BYTES = 5 * 1024**3
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True)
class Part:
    """A file that is still on its way, and the version of it that the server named."""

    file: Path
    version_file: Path

    @classmethod
    def of(cls, target: Path) -> "Part":
        hidden = target.with_name(f".{target.name}.part")
        return cls(hidden, hidden.with_name(f"{hidden.name}.version"))

    @property
    def size_bytes(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def version(self) -> str | None:
        """ETag or date; without one nothing tells whether the rest belongs to what is here."""
        return self.version_file.read_text() if self.version_file.exists() else None

    def begin(self, version: str | None) -> None:
        """Drop what is there: the server sends the file from its start."""
        self.drop()
        if version is not None:
            self.version_file.write_text(version)

    def drop(self) -> None:
        self.file.unlink(missing_ok=True)
        self.version_file.unlink(missing_ok=True)


def download(url: str, part: Part) -> int:
    """Bring the part to its whole length; return how many of its bytes were there before.

    Raises:
        WebError: not HTTP, refused by the server (4xx), or above 5 GiB.
        WebAwayError: cut off, unreachable, asked to slow down (429), or a server error (5xx); what
            has come is kept for the next attempt.

    """
    asked = part.size_bytes if part.version is not None else 0
    # What is counted, kept and asked for by range are the file's bytes, never compressed ones.
    headers = {"accept-encoding": "identity"}
    if asked:
        headers |= {"range": f"bytes={asked}-", "if-range": part.version or ""}
    with (
        asking(url, TIMEOUT_S) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code == _RANGE_NOT_SATISFIABLE and asked:
            return _was_whole(url, response, part)
        check_status(url, response)
        kept = _kept_bytes(url, response, asked)
        if not kept:
            part.begin(_version(response))
        _append(url, response, part)
    return kept


def sha256_of(file: Path) -> str:
    """Hash a file of any size."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _was_whole(url: str, response: httpx.Response, part: Part) -> int:
    """An attempt was stopped after the last byte, unless the server has another length."""
    size = part.size_bytes
    if response.headers.get("content-range") == f"bytes */{size}":
        return size
    part.drop()
    raise WebAwayError(f"{url!r}: changed since it was begun, it is fetched anew")


def _kept_bytes(url: str, response: httpx.Response, asked: int) -> int:
    """How much of the part the server goes on from: all, or nothing where the file changed."""
    if response.status_code != _PARTIAL_CONTENT:
        return 0
    told = response.headers.get("content-range", "")
    if not told.startswith(f"bytes {asked}-"):
        raise WebError(f"{url!r}: asked for the bytes from {asked}, got {told!r}")
    return asked


def _append(url: str, response: httpx.Response, part: Part) -> None:
    size = part.size_bytes + int(response.headers.get("content-length", 0))
    with part.file.open("ab") as file:
        if size <= SIZE_MAX_BYTES:
            size = part.size_bytes
            for chunk in response.iter_raw():
                size += len(chunk)
                if size > SIZE_MAX_BYTES:
                    break
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    if size > SIZE_MAX_BYTES:
        part.drop()
        raise WebError(f"{url!r}: above {SIZE_MAX_BYTES} bytes")


def _version(response: httpx.Response) -> str | None:
    """What `If-Range` takes: a strong ETag, else the date (RFC 9110, 13.1.5)."""
    etag: str | None = response.headers.get("etag")
    dated: str | None = response.headers.get("last-modified")
    return dated if etag is None or etag.startswith("W/") else etag
