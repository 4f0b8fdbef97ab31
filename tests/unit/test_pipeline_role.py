"""A job becomes a role by its own identity, and nothing else of it is written or printed."""

import base64
import configparser
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto import mock_aws

from fleet.pipeline import role
from rehearsal.errors import RehearsalError

ARN = "arn:aws:iam::123456789012:role/fleet-staging"
JOB = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example/issue?api-version=2",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer-of-the-job",
    "GITHUB_RUN_ID": "77",
}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    """A stand-in of AWS; it trusts whatever token it is given."""
    with mock_aws():
        yield


def part(claims: object) -> str:
    """One of a token's three, without its padding, as in all of them."""
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


SUBJECT = "repo:acme@123456/fleet@456789:environment:staging"
# Letters that base64 has a `-` and a `_` for.
TOKEN = f"{part({'alg': 'RS256'})}.{part({'sub': SUBJECT, 'ref': '>>>???'})}.a-signature"


@pytest.fixture
def identity() -> str:
    """What GitHub gives."""
    return TOKEN


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, identity: str) -> list[httpx.Request]:
    """What GitHub was asked; it gives an identity."""
    seen: list[httpx.Request] = []

    def get(url: str, **options: Any) -> httpx.Response:
        request = httpx.Request("GET", url, params=options["params"], headers=options["headers"])
        seen.append(request)
        return httpx.Response(200, json={"value": identity}, request=request)

    monkeypatch.setattr(httpx, "get", get)
    return seen


def test_the_roles_credentials_are_written_for_their_owner_alone(
    asked: list[httpx.Request], tmp_path: Path
) -> None:
    file = tmp_path / "aws" / "credentials"

    path = role.assume(ARN, "us-east-1", 3600, {**JOB, "AWS_SHARED_CREDENTIALS_FILE": str(file)})

    assert path == file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = configparser.RawConfigParser()
    written.read(file)
    names = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
    assert set(written["default"]) == names
    (request,) = asked
    query = {"api-version": "2", "audience": "sts.amazonaws.com"}
    assert dict(request.url.params) == query
    assert request.headers["Authorization"] == "Bearer bearer-of-the-job"


def test_outside_of_github_the_error_names_the_way_for_people() -> None:
    with pytest.raises(RehearsalError, match=r"id-token: write[^!]*aws sso login"):
        role.assume(ARN, "us-east-1", 3600, {})


def test_a_refusal_of_github_says_so_without_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(403, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)

    with pytest.raises(RehearsalError, match="GitHub gave no identity") as refused:
        role.assume(ARN, "us-east-1", 3600, JOB)
    assert "bearer-of-the-job" not in str(refused.value)


@pytest.mark.usefixtures("asked")
def test_a_refusal_of_aws_names_the_jobs_subject_and_never_its_token() -> None:
    wanted = rf"AWS does not let this job be no-role[^!]*ci\.md[^!]*{re.escape(repr(SUBJECT))}"
    with pytest.raises(RehearsalError, match=wanted) as refused:
        role.assume("no-role", "us-east-1", 3600, JOB)
    for each in TOKEN.split("."):
        assert each not in str(refused.value)


@pytest.mark.parametrize(
    "identity", ["an-identity", "a.b.c", f"a.{part([])}.c", f"a.{part({'iss': 'x'})}.c", "a.ÿ.c"]
)
@pytest.mark.usefixtures("asked")
def test_a_token_that_cannot_be_read_is_told_as_such(identity: str) -> None:
    with pytest.raises(RehearsalError, match="not to be read from GitHub's token") as refused:
        role.assume("no-role", "us-east-1", 3600, JOB)
    assert identity not in str(refused.value)
