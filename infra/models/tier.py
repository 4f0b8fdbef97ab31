"""What a tier changes for every worker of a stack that does not say otherwise."""

from collections.abc import Mapping
from typing import Literal

from pydantic import PositiveInt

from infra.models.base import Spec
from infra.models.queue import QueueSpec

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
    max_messages: PositiveInt | None = None
    """No queue may hold more, whatever it states: the broker is shared with others."""


TIERS: Mapping[Tier, TierDefaults] = {
    "prod": TierDefaults(pages=True),
    "staging": TierDefaults(max_replicas=5, hosts=True),
    # A branch's copy is to cost cents.
    "preview": TierDefaults(max_replicas=1, guest=True, max_messages=1000),
    # Someone is looking: quick to wake, quick to rest.
    "local": TierDefaults(max_replicas=6, polling_interval_s=1, cooldown_period_s=10, hosts=True),
}


def most_messages(tier: Tier, queue: QueueSpec) -> int | None:
    """How many messages a queue may hold: what it states, or less if the tier does; else any."""
    stated = (queue.max_messages, TIERS[tier].max_messages)
    return min((most for most in stated if most is not None), default=None)
