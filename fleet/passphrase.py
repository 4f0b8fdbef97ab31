"""The passphrase of the stack's secrets: the user's own, else one made here once."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from fleet.files import OWNER_ONLY, write_atomically
from fleet.project import Project
from rehearsal.errors import RehearsalError

VALUE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE"
FILE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE_FILE"


def is_users_own(project: Project, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment brings a passphrase that is not this project's own file.

    `fleet env` exports the file's name, so a shell may still name it after the state was dropped.
    """
    return VALUE_VARIABLE in environ or (
        FILE_VARIABLE in environ and Path(environ[FILE_VARIABLE]) != project.passphrase
    )


def check(project: Project, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to go on where state is encrypted and nobody brings its passphrase.

    Raises:
        RehearsalError: with nothing changed.

    """
    if is_users_own(project, environ):
        _check_users_file(environ)
    elif not project.passphrase.is_file() and (stacks := project.deployed_stacks()):
        raise RehearsalError(
            what=f"the passphrase of stack {', '.join(stacks)} is missing",
            why="Pulumi's state is there, but its passphrase file is not; secrets in the state "
            "cannot be read without it",
            mend=f"put the file back or set {VALUE_VARIABLE}; if it is lost, `make clean` drops "
            "the state and `make up` begins anew",
            where=project.passphrase,
        )


def ensure(project: Project, environ: Mapping[str, str] = os.environ) -> bool:
    """Make the passphrase file if one is needed; return whether it was made."""
    if is_users_own(project, environ) or project.passphrase.is_file():
        return False
    check(project, environ)
    project.state.mkdir(parents=True, exist_ok=True)
    write_atomically(project.passphrase, secrets.token_urlsafe(32), OWNER_ONLY)
    return True


def variables(project: Project, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What Pulumi needs set, besides what the user has set already."""
    return {} if is_users_own(project, environ) else {FILE_VARIABLE: str(project.passphrase)}


def _check_users_file(environ: Mapping[str, str]) -> None:
    path = environ.get(FILE_VARIABLE)
    # Pulumi prefers the value (secrets/passphrase/manager.go, CLI 3.255).
    if VALUE_VARIABLE in environ or path is None or os.access(path, os.R_OK):
        return
    raise RehearsalError(
        what=f"{FILE_VARIABLE} names a file that cannot be read",
        why="it is missing, or its rights do not allow it",
        mend="correct the variable, or unset it to use the project's own passphrase",
        where=path,
    )
