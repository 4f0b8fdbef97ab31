"""What a stack tells previews that live on its cluster and broker: its output `base`, by version.

Unlike a stack file it is written by a program, maybe a newer one: keys that are not known here are
passed over, and what a reader would misunderstand has another version.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

BASE_VERSION = 1
"""Raised by whatever a reader of the former one would not understand."""


class _Told(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )


class BaseCluster(_Told):
    """Where the base runs."""

    name: str
    """Also the kubeconfig's context."""
    kubeconfig: str | None = None
    """Of a cluster that the base makes; else whoever deploys has one."""


class BaseBroker(_Told):
    """Where the base's messages wait."""

    host: str | None = None
    """Of a broker that the base makes."""
    secret: str
    """`namespace/name` of a Secret with address and login."""
    key_prefix: str = ""
    authority: Literal["secret", "system"] = "system"
    port: int | None = None
    engine: Literal["valkey", "redis"] | None = None
    user_group: str | None = None
    """Whose members log in to a broker that the base makes, if it lets in those of previews."""

    @property
    def owned(self) -> bool:
        """Whether the base makes it, with users of its own."""
        return self.host is not None


class BaseContract(_Told):
    """The output `base`, version 1."""

    version: Literal[1]
    region: str | None = None
    tier: str
    namespace: str
    cluster: BaseCluster
    storage_class: str
    node_groups: tuple[str, ...]
    broker: BaseBroker
    images: Mapping[str, str] = {}
    """Reference by flavour: `cpu` and `gpu`, which may be the same."""


def base_contract(stack: str, told: object) -> BaseContract:
    """Read a stack's output `base`.

    Raises:
        ValueError: in one sentence, where there is none, or it is of another version.

    """
    if not isinstance(told, Mapping):
        raise ValueError(  # noqa: TRY004 - what a stack told, not what a caller passed
            f"stack {stack} has no output `base`: it was never brought up, is a preview itself, or "
            f"is of an earlier program; bring it up once: pulumi up -s {stack}"
        )
    if told.get("version") != BASE_VERSION:
        raise ValueError(
            f"stack {stack} has an output `base` of version {told.get('version')!r}, this program "
            f"reads {BASE_VERSION}: bring base and preview up from commits with the same version"
        )
    return _read(stack, told)


def _read(stack: str, told: Mapping[str, Any]) -> BaseContract:
    try:
        return BaseContract.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(
            f"stack {stack}: its output `base` has a wrong {key}: {first['msg']}; bring it up "
            f"again: pulumi up -s {stack}"
        ) from None
