"""Users of a preview that its state does not know go from ElastiCache; nobody else's do."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from fleet.previews import lost_users
from infra.models.guest_broker import GuestBroker
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import NAME, preview

USER = "aws:elasticache/user:User"
MEMBER = "aws:elasticache/userGroupAssociation:UserGroupAssociation"
OTHERS = f"{NAME}x-fleet"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A stand-in of AWS with both users of a preview, and one of another."""
    monkeypatch.setattr(lost_users, "_POLL_S", 0.0)
    with mock_aws():
        client = boto3.client("elasticache", region_name="us-east-1")
        for user in (f"{NAME}-fleet", f"{NAME}-keda", OTHERS):
            client.create_user(
                UserId=user,
                UserName=user,
                Engine="valkey",
                AccessString="on ~* -@all",
                NoPasswordRequired=True,
            )
        yield client


def state(*made: tuple[str, str]) -> list[dict[str, Any]]:
    stack = {"type": "pulumi:pulumi:Stack"}
    return [stack, *({"type": kind, "inputs": {"userId": f"{NAME}-{user}"}} for kind, user in made)]


def remove(known: list[dict[str, Any]], told: list[str] | None = None) -> None:
    broker = preview("staging").broker
    assert isinstance(broker, GuestBroker)
    lost_users.remove(NAME, broker, known, (told if told is not None else []).append)


def left(cache: Any) -> set[str]:
    return {each["UserId"] for each in cache.describe_users()["Users"]} - {"default"}


def test_users_that_no_state_knows_go_and_another_previews_stays(cache: Any) -> None:
    told: list[str] = []

    remove(state(), told)

    assert left(cache) == {OTHERS}
    assert f"removing user {NAME}-fleet, which an earlier run left (active)" in told


def test_a_user_stays_that_its_state_knows_as_a_member_and_one_that_never_became_one_goes(
    cache: Any,
) -> None:
    remove(state((USER, "fleet"), (MEMBER, "fleet"), (USER, "keda")))

    assert left(cache) == {f"{NAME}-fleet", OTHERS}


def test_where_there_is_none_nothing_is_told(cache: Any) -> None:
    remove(state())
    told: list[str] = []

    remove(state(), told)

    assert told == []
    assert left(cache) == {OTHERS}


class Slow:
    """A stand-in for ElastiCache: it is long about making a user."""

    def __init__(self, statuses: list[str]) -> None:
        self.statuses, self.asked = statuses, 0

    def client(self, _service: str) -> "Slow":
        return self

    def describe_users(self, **_: str) -> dict[str, Any]:
        return {"Users": [{"Status": self.statuses.pop(0) if self.statuses else "creating"}]}

    def delete_user(self, **_: str) -> None:
        self.asked += 1
        if self.asked == 1:
            told = {"Error": {"Code": "InvalidUserState", "Message": "its group is modified"}}
            raise ClientError(told, "DeleteUser")


def test_a_user_is_not_deleted_before_it_is_made_and_one_that_never_is_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow(["creating", "active", "active", "deleting"])
    monkeypatch.setattr(lost_users, "_POLL_S", 0.0)
    monkeypatch.setattr(lost_users, "_LIMIT_S", 0.2)
    monkeypatch.setattr(lost_users, "connect", lambda _: slow)

    with pytest.raises(RehearsalError, match="it is still creating"):
        remove(state())

    assert slow.asked == 2
