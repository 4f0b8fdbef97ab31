"""How a call to the API server can fail.

ApiError
├── ApiRefusedError       the server answered: no
└── ApiUnreachableError   no answer; the call may be repeated
"""

from http import HTTPStatus


class ApiError(Exception):
    """A call to the API server failed."""


class ApiRefusedError(ApiError):
    """The server's own status code and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message

    @property
    def not_found(self) -> bool:
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def conflict(self) -> bool:
        """The object exists already, or is not the one that was meant."""
        return self.status == HTTPStatus.CONFLICT


class ApiUnreachableError(ApiError):
    """The server is away, restarting, or overloaded."""
