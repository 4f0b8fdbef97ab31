"""The status page: three files without data, which ask the API with the reader's own token."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Response

_FILES = Path(__file__).parent / "status_page"

# Nothing from elsewhere, nothing inline: a page that holds a token runs no script but its own.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

PAGE: dict[str, tuple[str, str]] = {
    "/": ("page.html", "text/html"),
    "/status/page.css": ("page.css", "text/css"),
    "/status/page.js": ("page.js", "text/javascript"),
}
"""File and media type by path; all of them open to those without a token."""


def page_router() -> APIRouter:
    """Return the page's paths."""
    router = APIRouter()
    for path, (file, media_type) in PAGE.items():
        router.add_api_route(
            path, _serving((_FILES / file).read_bytes(), media_type), include_in_schema=False
        )
    return router


def _serving(content: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def serve() -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return serve
