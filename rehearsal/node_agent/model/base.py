"""The base of everything read from the API, and the metadata all objects share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

JsonObject = dict[str, Any]
"""An API object as it travels; it is validated into a model where it is read."""


class Read(BaseModel):
    """A part of an API object; the server has validated it, so unknown fields are ignored."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class OwnerReference(Read):
    kind: str
    name: str


class Metadata(Read):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    deletion_timestamp: datetime | None = None
    """When the object is to be gone, the grace period included; None while it is wanted."""
    deletion_grace_period_seconds: int | None = None
