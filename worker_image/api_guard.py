"""What stands before the API's endpoints: the token, then the size of the body."""

import json
import secrets
from collections.abc import Awaitable, Callable, Container, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from worker_image.once import MESSAGE_MAX_BYTES

MAX_BODY_BYTES = MESSAGE_MAX_BYTES

OPEN_PATH = "/healthz"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class BearerToken:
    """Lets only requests with the token pass, and those of open paths."""

    def __init__(self, app: Asgi, token: str, open_paths: Container[str] = (OPEN_PATH,)) -> None:
        self._app = app
        self._open_paths = open_paths
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or pass on."""
        if scope["type"] != "http" or scope["path"] in self._open_paths or self._knows(scope):
            await self._app(scope, receive, send)
        else:
            await _refuse(
                send, 401, "bearer token missing or wrong", ("www-authenticate", "Bearer")
            )

    def _knows(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return secrets.compare_digest(given, self._expected)


class BodyLimit:
    """Stops reading a body that is too large, announced or not."""

    def __init__(self, app: Asgi, limit_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = f"the body is above {self._limit_bytes} bytes"
        read_bytes = 0

        async def limited() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._limit_bytes:
                # FastAPI answers any other exception of a body with 400.
                raise HTTPException(413, told)
            return message

        if self._announced_bytes(scope) > self._limit_bytes:
            await _refuse(send, 413, told)
        else:
            await self._app(scope, limited, send)

    def _announced_bytes(self, scope: Scope) -> int:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        return int(length) if length.isdigit() else self._limit_bytes + 1


async def _refuse(send: Send, status: int, detail: str, *headers: tuple[str, str]) -> None:
    body = json.dumps({"detail": detail}).encode()
    told = (("content-type", "application/json"), ("content-length", str(len(body))), *headers)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in told],
        }
    )
    await send({"type": "http.response.body", "body": body})
