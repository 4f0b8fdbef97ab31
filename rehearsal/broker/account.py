"""The one user of the broker; its password is made once per stage and kept."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.control_plane.files import write_atomically

USERNAME = "fleet"
OPERATOR = "rehearsal-operator"
"""Who may do everything, where the stage has AWS's stand-in."""
_PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Account:
    """A user name and its password."""

    username: str
    password: str = field(repr=False)

    @property
    def password_sha256(self) -> str:
        return hashlib.sha256(self.password.encode()).hexdigest()


def ensure_account(path: Path, username: str = USERNAME) -> Account:
    """Read the account; a missing or unreadable one is made anew.

    Raises:
        RehearsalError: the state folder cannot be written.

    """
    try:
        return Account(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        account = Account(username, secrets.token_urlsafe(_PASSWORD_BYTES))
    content = {"username": account.username, "password": account.password}
    write_atomically(path, json.dumps(content))
    return account
