"""Signs a job in to AWS by GitHub's own word for it, so that no key is kept anywhere."""

import base64
import configparser
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore
import httpx
from botocore.config import Config

from fleet.files import OWNER_ONLY, write_atomically
from rehearsal.errors import RehearsalError

_AUDIENCE = "sts.amazonaws.com"
_URL, _TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_TIMEOUT_S = 30


def assume(
    role: str, region: str, duration_s: int, environ: Mapping[str, str] = os.environ
) -> Path:
    """Write the role's credentials where AWS's programs look for them; return that file.

    A file, not variables: each later step of the job reads it, and no log shows it.

    Raises:
        RehearsalError: outside of GitHub Actions, or where GitHub or AWS refuses.

    """
    token = _id_token(environ)
    found = _credentials(role, region, duration_s, token, environ.get("GITHUB_RUN_ID", "run"))
    path = Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(path, _file(found), OWNER_ONLY)
    return path


def _id_token(environ: Mapping[str, str]) -> str:
    url, bearer = environ.get(_URL), environ.get(_TOKEN)
    if not url or not bearer:
        raise RehearsalError(
            what="this is no job of GitHub Actions that may ask for an identity",
            why=f"{_URL} and {_TOKEN} are not both set",
            mend="in CI: give the job `id-token: write`; by hand: sign in with `aws sso login`",
        )
    headers = {"Authorization": f"Bearer {bearer}"}
    try:
        answer = httpx.get(
            url, params=httpx.QueryParams(httpx.URL(url).query).set("audience", _AUDIENCE),
            headers=headers, timeout=_TIMEOUT_S,
        ).raise_for_status()  # fmt: skip
        return str(answer.json()["value"])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise RehearsalError(
            what="GitHub gave no identity to this job",
            why=f"{type(error).__name__}: {error}",
            mend="run the job again; if it stays so, GitHub's status page says more",
        ) from error


def _credentials(role: str, region: str, duration_s: int, token: str, run: str) -> dict[str, Any]:
    unsigned = Config(signature_version=botocore.UNSIGNED)
    try:
        answer = boto3.client("sts", region, config=unsigned).assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName=f"celery-fleet-{run}",
            WebIdentityToken=token,
            DurationSeconds=duration_s,
        )
    except (
        botocore.exceptions.ClientError,
        botocore.exceptions.BotoCoreError,
    ) as error:
        raise RehearsalError(
            what=f"AWS does not let this job be {role}",
            why=str(error),
            mend="compare the role's trust policy with docs/ci.md: it has to name this job's "
            f"subject, which is {_subject(token)}",
        ) from error
    return dict(answer["Credentials"])


def _subject(token: str) -> str:
    """Whom the token says the job is; unverified, for people to read. The token stays untold."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return repr(claims["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return "not to be read from GitHub's token"


def _file(found: Mapping[str, Any]) -> str:
    parser = configparser.RawConfigParser()
    parser["default"] = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()
