"""What a tier changes for every worker of a stack that does not say otherwise."""

from collections.abc import Mapping
from typing import Literal

from pydantic import PositiveInt

from infra.models.base import Spec

Tier = Literal["prod", "staging", "preview", "local"]


class TierDefaults(Spec):
    """Bounds and periods in place of derived ones; none where the derived ones hold."""

    max_replicas: PositiveInt | None = None
    """No worker grows beyond this unless it says so itself."""
    polling_interval_s: PositiveInt | None = None
    cooldown_period_s: PositiveInt | None = None
    pages: bool = False
    """Whether an alert may wake someone; else every one of them is a ticket."""
    hosts: bool = False
    """Whether previews may live beside it, as members of its broker's user group."""
    guest: bool = False
    """Whether it lives in another stack's cluster for a while: bounded by a quota, of few objects,
    and in a namespace where no pod is anything but the fleet's."""


TIERS: Mapping[Tier, TierDefaults] = {
    "prod": TierDefaults(pages=True),
    "staging": TierDefaults(max_replicas=5, hosts=True),
    # A branch's copy is to cost cents.
    "preview": TierDefaults(max_replicas=1, guest=True),
    # Someone is looking: quick to wake, quick to rest.
    "local": TierDefaults(max_replicas=6, polling_interval_s=1, cooldown_period_s=10, hosts=True),
}
