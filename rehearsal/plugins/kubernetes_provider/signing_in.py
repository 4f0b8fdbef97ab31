"""Runs the program by which a kubeconfig's user signs in (client-go's `exec` credential plugin)."""

import json
import os
import subprocess
from collections.abc import Mapping

from rehearsal.errors import RehearsalError

TIMEOUT_S = 30
API_GROUP = "client.authentication.k8s.io/"


def credential(stated: Mapping[str, object]) -> Mapping[str, object]:
    """Run `exec` of a kubeconfig's user; the ExecCredential's status: a token or a certificate."""
    command, arguments = str(stated.get("command") or ""), stated.get("args")
    words = [command, *map(str, arguments if isinstance(arguments, list) else [])]
    variables = stated.get("env")
    more = {
        str(each["name"]): str(each["value"])
        for each in (variables if isinstance(variables, list) else [])
    }
    try:
        run = subprocess.run(
            words,
            env=os.environ | more | {"KUBERNETES_EXEC_INFO": _info(stated)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(words, f"{type(error).__name__}: {error}") from error
    if run.returncode:
        raise _refused(words, run.stderr.strip() or f"exit code {run.returncode}")
    return _status(words, run.stdout)


def _status(words: list[str], printed: str) -> Mapping[str, object]:
    # What was printed may hold a key: no message repeats it.
    try:
        answer = json.loads(printed)
        status = answer["status"]
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(words, "it printed no ExecCredential with a status") from error
    if not str(answer.get("apiVersion")).startswith(API_GROUP) or not isinstance(status, dict):
        raise _refused(words, f"it printed no {API_GROUP}... credential")
    return status


def _info(stated: Mapping[str, object]) -> str:
    return json.dumps(
        {
            "apiVersion": stated.get("apiVersion"),
            "kind": "ExecCredential",
            "spec": {"interactive": False},
        }
    )


def _refused(words: list[str], why: str) -> RehearsalError:
    return RehearsalError(
        f"the kubeconfig's user could not sign in with `{' '.join(words[:3])}`",
        why,
        "install that program, or use a kubeconfig with a certificate or a token",
    )
