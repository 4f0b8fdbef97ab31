"""A change of a stack, told by `fleet diff` over an API that is a stand-in."""

from collections.abc import Callable
from functools import cache
from typing import Any

from fleet.api_client import QueueStatistics
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit import preview_of
from tests.unit.recorder import imagineer

BASE = imagineer()


@cache
def base() -> preview_of.Resources:
    """What the unchanged stack has; the program takes a while."""
    return preview_of.resources(BASE)


def changed(change: Callable[[dict[str, Any]], None]) -> FleetConfig:
    """Imagineer's stack with settings changed, by their names in the file."""
    raw = BASE.model_dump(by_alias=True, exclude_unset=True)
    change(raw)
    return FleetConfig.model_validate(raw)


def statistics(pending: int, in_flight: int) -> QueueStatistics:
    return QueueStatistics(pending, in_flight, 0, 0, 0, wait_p50_s=None, wait_p95_s=None)


class Api:
    """Has three tasks in flight on each queue, and seven messages waiting on training."""

    def queues(self) -> dict[str, QueueStatistics]:
        return {name: statistics(7 * (name == "training"), 3) for name in BASE.queues}


class Away:
    def queues(self) -> dict[str, QueueStatistics]:
        raise RehearsalError("the fleet's HTTP API is not ready", "it has no ready pod", "wait")
