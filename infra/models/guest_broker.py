"""A broker that another stack makes, with users of this stack's own: a preview's."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from infra.models.base import Spec
from infra.models.broker import BrokerUse, KeyPrefix
from infra.models.elasticache import PORT
from infra.models.types import AwsRegion


class UserGroup(Spec):
    """An ElastiCache user group that takes members of other stacks."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    engine: Literal["valkey", "redis"]
    region: AwsRegion
    key_prefix: KeyPrefix
    """Of the stack that makes it."""


class GuestBroker(BrokerUse):
    """What `fleet preview up` writes of a base's ElastiCache broker, from the base's outputs."""

    kind: Literal["guest"]
    host: str = Field(min_length=1)
    port: PositiveInt = PORT
    user_group: UserGroup
    max_connections: PositiveInt = 65_000
    """Clients a node takes; ElastiCache's fixed `maxclients` (its parameter reference)."""

    @model_validator(mode="after")
    def _keys_are_apart(self) -> Self:
        prefixes = (self.key_prefix, self.user_group.key_prefix)
        if "" in prefixes or len(set(prefixes)) == 1:
            raise ValueError(
                f"keyPrefix is {self.key_prefix!r} and userGroup.keyPrefix "
                f"{self.user_group.key_prefix!r}: stacks that share a broker have a prefix each, "
                "and each another"
            )
        return self

    @property
    def replicas(self) -> int:
        """None that a guest may ask for: they are its host's matter."""
        return 0

    @property
    def publishes_ca(self) -> bool:
        """False: Amazon's CA is among every system's own."""
        return False
