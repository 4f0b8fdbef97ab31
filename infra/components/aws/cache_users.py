"""One user of ElastiCache and its password, whichever stack makes the servers."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import elasticache
from pulumi_random import RandomPassword

if TYPE_CHECKING:
    from collections.abc import Mapping

# ElastiCache takes 16 to 128 characters (CreateUser); letters and digits need no quoting in a URL.
_PASSWORD_LENGTH = 64


def drawn_password(
    user: str, parent: ComponentResource, keepers: Mapping[str, str] | None = None
) -> RandomPassword:
    """A password, drawn anew when a keeper changes."""
    return RandomPassword(
        f"broker-{user}",
        length=_PASSWORD_LENGTH,
        special=False,
        keepers=keepers,
        opts=ResourceOptions(parent=parent, additional_secret_outputs=["result"]),
    )


def cache_user(
    logical: str,
    told: tuple[str, str],
    engine: str,
    access: str,
    password: RandomPassword,
    parent: ComponentResource,
) -> elasticache.User:
    """A user; `told` are its id, which is the account's, and its name, which is its group's."""
    user_id, user_name = told
    return elasticache.User(
        f"broker-{logical}",
        user_id=user_id,
        user_name=user_name,
        engine=engine,
        access_string=access,
        authentication_mode={"type": "password", "passwords": [Output.secret(password.result)]},
        opts=ResourceOptions(parent=parent),
    )
