"""Has the programs ready that watch a fleet in tests: from PATH, from the cache, or built."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rehearsal.toolchain.apart import ensure_apart
from rehearsal.toolchain.monitoring_pins import MONITORING_PINS


@dataclass(frozen=True)
class MonitoringTools:
    """Every program that a test of metrics and alerts runs."""

    promtool: Path
    prometheus: Path
    alertmanager: Path
    amtool: Path
    kube_state_metrics: Path


def ensure_monitoring(report: Callable[[str], None]) -> MonitoringTools:
    """Return the programs, having built those that neither PATH nor their own cache has.

    Raises RehearsalError where one cannot be had.
    """
    found = ensure_apart(MONITORING_PINS, report)
    return MonitoringTools(**{tool.replace("-", "_"): path for tool, path in found.items()})
