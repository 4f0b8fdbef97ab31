"""How the API words what went wrong: `{"detail": "<one sentence>"}`, whatever it was."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from worker_image.broker import BrokerAwayError
from worker_image.dead_letters import UnknownLetterError
from worker_image.publish import RefusedError
from worker_image.room import QueueFullError

RETRY_AFTER_S = 5
_LATER = {"Retry-After": str(RETRY_AFTER_S)}


class Problem(BaseModel):
    """Why a request was not served."""

    detail: str


RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "the body is no JSON"},
    401: {"model": Problem, "description": "the token is missing or wrong"},
    413: {"model": Problem, "description": "the body is too large"},
    422: {"model": Problem, "description": "a field, an argument or a name is not what it must be"},
    429: {"model": Problem, "description": "the queue is full; come back after Retry-After"},
    503: {"model": Problem, "description": "the broker is away; come back after Retry-After"},
}


def connect(api: FastAPI) -> None:
    """Answer these errors on every path."""
    api.add_exception_handler(RefusedError, _refused)
    api.add_exception_handler(QueueFullError, _full)
    api.add_exception_handler(UnknownLetterError, _unknown)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(BrokerAwayError, _broker_away)


def _refused(_: Request, error: Exception) -> JSONResponse:
    return _answer(422, str(error))


def _full(_: Request, error: Exception) -> JSONResponse:
    return _answer(429, str(error), _LATER)


def _unknown(_: Request, error: Exception) -> JSONResponse:
    return _answer(404, str(error))


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Name each field and reason; FastAPI's own answer repeats the input, and fails on a NaN."""
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    lines = []
    for each in errors:
        place = ".".join(str(part) for part in each["loc"])
        lines.append(f"{place}: {each['msg']}")
    return _answer(422, "; ".join(lines))


def _broker_away(_: Request, error: Exception) -> JSONResponse:
    return _answer(503, str(error), _LATER)


def _answer(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    # A caller's half of a surrogate pair is no text that UTF-8 has.
    told = detail.encode("utf-8", "backslashreplace").decode()
    return JSONResponse({"detail": told}, status_code=status, headers=headers)
