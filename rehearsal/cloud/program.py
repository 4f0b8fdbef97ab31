"""AWS's stand-in as a program of the stage: its command, whether it is ready, where it listens."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from rehearsal.control_plane.program import Program

NAME = "cloud"
RECORD = "cloud.json"
"""In the state folder; tells the endpoint to whoever sets AWS_ENDPOINT_URL."""
READY_PATH = "/rehearsal/ready"
FAULTS_PATH = "/rehearsal/faults"
# Sent to no AWS: the stand-in checks no signature.
ACCESS_KEY = "rehearsal"
# moto's.
_ACCOUNT = "123456789012"
_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class BrokerAccess:
    """How the stand-in administers the stage's broker."""

    port: int
    authority: Path
    operator: Path
    """JSON with the username and password of an account that may do everything."""
    server: Path
    """The program of the server, for a replica."""
    folder: Path
    """Where the server works."""


def cloud_program(root: Path, port: int, broker: BrokerAccess | None = None) -> Program:
    """Give the command; its state ends with the process, so stopping it empties the account."""
    more: tuple[str, ...] = ()
    if broker is not None:
        more = (
            f"--broker=127.0.0.1:{broker.port}",
            f"--authority={broker.authority}",
            f"--operator={broker.operator}",
            f"--server={broker.server}",
            f"--folder={broker.folder}",
        )
    return Program(
        name=NAME,
        argv=(sys.executable, "-m", "rehearsal.cloud", f"--state={root}", f"--port={port}", *more),
        cwd=root,
        leaves=(root / RECORD,),
        reads=(broker.authority, broker.operator) if broker else (),
    )


def cloud_problem(root: Path) -> str | None:
    """Ask whether it is ready; None when it is.

    Raises:
        httpx.HTTPError: nobody answers.

    """
    try:
        endpoint = _endpoint(root)
    except FileNotFoundError:
        return "it has not told its port yet"
    answer = httpx.get(f"{endpoint}{READY_PATH}", timeout=_TIMEOUT_S, trust_env=False)
    return None if answer.is_success else f"answers {answer.status_code} to {READY_PATH}"


def environment(root: Path, region: str) -> dict[str, str]:
    """What a command needs in its environment to take the stand-in for AWS.

    Raises:
        OSError, ValueError: it is not running, so that there is no record of it.

    """
    return {
        "AWS_ENDPOINT_URL": _endpoint(root),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_REGION": region,
        "FLEET_REHEARSAL_STATE": str(root),
    }


def inject(endpoint: str, action: str, code: str, message: str) -> None:
    """Let the next call of that name fail.

    Raises:
        httpx.HTTPError: the stand-in does not take it.

    """
    fault = {"action": action, "code": code, "message": message, "times": 1}
    answer = httpx.post(f"{endpoint}{FAULTS_PATH}", json=fault, timeout=_TIMEOUT_S, trust_env=False)
    answer.raise_for_status()


def repository_address(region: str, name: str) -> str:
    """Where ECR of the stand-in's account has a repository: what stands before an image's tag."""
    return f"{_ACCOUNT}.dkr.ecr.{region}.amazonaws.com/{name}"


def _endpoint(root: Path) -> str:
    return str(json.loads((root / RECORD).read_text())["endpoint"])
