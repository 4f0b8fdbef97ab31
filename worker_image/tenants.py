"""Tenants of fair queues: each has a Redis list of its own, `<queue>.<tenant>`.

A fair queue's own list, `<queue>`, takes the tasks of nobody in particular; it has its turn as any
tenant's has.
"""

import re
from collections.abc import Container
from dataclasses import dataclass

HEADER = "tenant"
"""The message header that names the tenant: `apply_async(headers={"tenant": "acme"})`."""

# No dot, so that a list's name can be read back; no colon, kombu's separator of priority steps.
_TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TenantError(ValueError):
    """A name that no tenant can have."""


@dataclass(frozen=True)
class Place:
    """Where a message lies: a declared queue, and whose list of it."""

    queue: str
    tenant: str | None = None

    @property
    def list_name(self) -> str:
        """The Redis list, without key prefix."""
        return self.queue if self.tenant is None else f"{self.queue}.{self.tenant}"


def place_of(list_name: str, fair: Container[str]) -> Place:
    """Read a list's name back; what is no tenant's list of a fair queue is a queue's own."""
    queue, _, tenant = list_name.rpartition(".")
    if queue in fair and is_tenant(tenant):
        return Place(queue, tenant)
    return Place(list_name)


def is_tenant(name: str) -> bool:
    return _TENANT.fullmatch(name) is not None


def checked_tenant(name: object) -> str:
    """Return a tenant's name.

    Raises:
        TenantError: it would not make a list's name.

    """
    if not isinstance(name, str) or not is_tenant(name):
        raise TenantError(
            f"tenant {name!r} is not 1 to 64 letters, digits, underscores and hyphens: it names "
            "a Redis list"
        )
    return name


def tenants_key(queue: str) -> str:
    """The sorted set of a queue's tenants by when they were last sent to; before the key prefix."""
    return f"fair:{queue}:tenants"
