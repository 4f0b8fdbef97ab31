"""A preview's users on ElastiCache that its state does not know, of a Pulumi that was killed.

ElastiCache makes no user of an id that is there, and Pulumi takes none over: they have to go first.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from fleet.aws.account import connect
from fleet.aws.refusals import ERRORS, explained
from infra import names
from infra.models.guest_broker import GuestBroker
from rehearsal.errors import RehearsalError

Resources = Iterable[Mapping[str, Any]]

_USER = "aws:elasticache/user:User"
_MEMBER = "aws:elasticache/userGroupAssociation:UserGroupAssociation"
_CHANGING = frozenset({"InvalidUserState", "InvalidUserGroupState"})
_ACTIVE, _POLL_S, _LIMIT_S = "active", 2.0, 300.0


def remove(
    namespace: str, broker: GuestBroker, state: Resources, report: Callable[[str], None]
) -> None:
    """Delete its users but for those that are wholly its state's: made, and member of their group.

    Raises:
        RehearsalError: AWS refuses, or one has not gone within five minutes.

    """
    every = list(state)
    known = _ids(every, _USER) & _ids(every, _MEMBER)
    own = (names.cache_user(namespace, user) for user in names.GUEST_USERS)
    try:
        cache = connect(broker.user_group.region).client("elasticache")
        for user in own:
            if user not in known:
                _delete(cache, user, report)
    except ERRORS as error:
        why, mend = explained(error)
        raise _stuck(namespace, why, mend) from error


def _delete(cache: Any, user: str, report: Callable[[str], None]) -> None:  # noqa: ANN401 - boto3's client
    """Delete a user if there is one, and wait until it has gone: its id is free no sooner."""
    deadline = time.monotonic() + _LIMIT_S
    while (status := _status(cache, user)) is not None:
        report(f"removing user {user}, which an earlier run left ({status})")
        if status == _ACTIVE:
            _ask(cache, user)
        if time.monotonic() > deadline:
            raise _stuck(user, f"after {_LIMIT_S:.0f} s it is still {status}", "look at it on AWS")
        time.sleep(_POLL_S)


def _ask(cache: Any, user: str) -> None:  # noqa: ANN401 - likewise
    """Have a user deleted, unless it is being changed, or its group is."""
    try:
        cache.delete_user(UserId=user)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CHANGING:
            raise


def _status(cache: Any, user: str) -> str | None:  # noqa: ANN401 - likewise
    try:
        (found,) = cache.describe_users(UserId=user)["Users"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "UserNotFound":
            return None
        raise
    return str(found["Status"])


def _ids(state: Resources, kind: str) -> set[str]:
    return {each["inputs"]["userId"] for each in state if each["type"] == kind}


def _stuck(what: str, why: str, mend: str) -> RehearsalError:
    return RehearsalError(
        what=f"what an earlier run left of {what} on ElastiCache is still there",
        why=why,
        mend=f"{mend}; then run the same command again: it goes on from there",
    )
