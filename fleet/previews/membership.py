"""Users of a preview's own on the broker that its base makes: where they join, if they can."""

from collections.abc import Callable
from typing import Any

from infra import names
from infra.models.base_contract import BaseContract
from infra.models.fleet import FleetConfig
from infra.models.guest_broker import GuestBroker
from rehearsal.errors import RehearsalError

# Users of one user group (ElastiCache's quota, "Quotas for ElastiCache").
_MOST_USERS = 100
# Redis_exporter's comes with none that `fleet preview up` makes.
_USERS_EACH = 2
MOST_PREVIEWS = (_MOST_USERS - len(names.CACHE_USERS)) // _USERS_EACH


def membership(stack: str, told: BaseContract) -> dict[str, Any]:
    """Section `broker` of a preview, but for its own prefix and how it is used.

    Raises:
        RehearsalError: the base's user group takes no members, or its keys would lie open.

    """
    broker = told.broker
    if broker.user_group is None or told.region is None:
        raise RehearsalError(
            what=f"stack {stack} lets in no previews",
            why="its output `base` names no user group of its broker: it is of tier prod, or was "
            "brought up by an earlier program",
            mend=f"bring a stack of tier staging up again: pulumi up -s {stack}; or name another "
            "with --base",
        )
    if not broker.key_prefix:
        raise RehearsalError(
            what=f"stack {stack} cannot have previews yet",
            why="its broker.keyPrefix is empty: its user may touch every key of the broker, those "
            "of previews included, and what its janitor looks after would be theirs too",
            mend=f"drain its queues, set celery-fleet:broker.keyPrefix in Pulumi.{stack}.yaml (as "
            f'"{told.tier}:") and run pulumi up -s {stack}; docs/broker_users.md tells what stays '
            "behind",
        )
    return {
        "kind": "guest",
        "host": broker.host,
        **({"port": broker.port} if broker.port is not None else {}),
        "userGroup": {
            "id": broker.user_group,
            "engine": broker.engine or "valkey",
            "region": told.region,
            "keyPrefix": broker.key_prefix,
        },
    }


def check_room(stack: str, told: BaseContract, others: Callable[[], int]) -> None:
    """Refuse a preview whose users would not go into the base's user group.

    Args:
        stack: the base.
        told: what it tells.
        others: counts the previews beside the base, but for this one.

    Raises:
        RehearsalError: there are as many previews as the group takes.

    """
    if told.broker.owned and (there := others()) >= MOST_PREVIEWS:
        raise RehearsalError(
            what=f"no room for another preview beside {stack}",
            why=f"its broker's user group takes {_MOST_USERS} users: {len(names.CACHE_USERS)} of "
            f"its own, {_USERS_EACH} of each preview, and there are {there} previews",
            mend=f"take one down (fleet preview list --base {stack}), or run: fleet preview reap "
            f"--base {stack}",
        )


def login_told(config: FleetConfig, stack: str) -> str:
    """Which login a preview has, in a line."""
    prefix = config.broker.key_prefix
    if isinstance(config.broker, GuestBroker):
        user = names.cache_user(config.namespace, "fleet")
        return f"user {user} of its own, which may touch keys under {prefix} alone"
    return f"login of {stack}; prefix {prefix} alone parts its keys"
