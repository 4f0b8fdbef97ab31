"""Credentials and answers that AWS or its SDK refuses, each told in a sentence with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber
from moto import mock_aws

from fleet.aws import account as accounts
from fleet.aws.account import Account
from tests.unit.aws_stack import REGION, SECRET, examined, log_in, log_out, shortfalls


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account in moto, which the check is given."""
    log_in(monkeypatch)
    with mock_aws():
        made = accounts.connect(REGION)
        monkeypatch.setattr(accounts, "connect", lambda _: made)
        yield made


@contextmanager
def patched_answer(account: Account, page: str) -> Iterator[None]:
    """Let EC2 at home answer a web page, below the SDK's parser."""
    answered = AWSResponse("https://ec2.test", 200, {}, BytesIO(page.encode()))
    answered._content = page.encode()
    events = account.client("ec2", at_home=True).meta.events
    events.register_first("before-send.ec2.*", lambda **_: answered, unique_id="page")
    try:
        yield
    finally:
        events.unregister("before-send.ec2.*", unique_id="page")


def test_missing_credentials_are_told_first_and_nothing_else_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_out(monkeypatch)
    with mock_aws(config={"core": {"mock_credentials": False}}):
        found = examined()

    assert len(found) == 1
    assert (
        "there are no AWS credentials | run aws configure sso" in shortfalls(found)["credentials"]
    )


def test_half_of_the_credentials_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(monkeypatch)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert "a key without its other half" in shortfalls(examined())["credentials"]


def test_a_profile_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log_out(monkeypatch)
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    assert "AWS_PROFILE names a profile" in shortfalls(examined())["credentials"]


def test_an_endpoint_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    assert "the endpoint does not answer" in shortfalls(examined())["credentials"]


def test_an_endpoint_that_is_no_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")

    assert "nonsense" in shortfalls(examined())["credentials"]


def test_an_answer_that_is_not_aws_is_told(account: Account) -> None:
    """As of a proxy that shows a page of its own; here in place of EC2 at home."""
    with patched_answer(account, "<!doctype html><title>Log in</title>"):
        found = examined()

    assert "what answered is not AWS" in shortfalls(found)["region"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ExpiredToken", "the credentials have expired"),
        ("InvalidClientTokenId", "AWS does not know the access key"),
        ("SignatureDoesNotMatch", "the secret key is not that of the access key"),
    ],
)
def test_refused_credentials_are_told_without_the_text_that_repeats_them(
    account: Account, code: str, told: str
) -> None:
    """STS is a Stubber: moto takes every key."""
    with Stubber(account.client("sts", at_home=True)) as sts:
        sts.add_client_error("get_caller_identity", code, f"x-amz-security-token:{SECRET}")
        found = examined()

    assert told in shortfalls(found)["credentials"]
    assert len(found) == 1
    assert SECRET not in str(found)
