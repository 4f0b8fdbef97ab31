"""After some load, every panel of the running stack's dashboards has something to show."""

import math
import time
from collections.abc import Iterator

import pytest

from tests.unit.dashboard_panels import expressions, metrics
from tests.whole.running_fleet import STACK, RunningFleet
from tests.whole.watched import Watched

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(400)]

WITHIN_S = 240
# By the beginning of a panel's place; everything else has to have data.
WITHOUT_DATA = {
    "gpu/Use": "no NVIDIA device is here, and so no dcgm-exporter",
    "gpu/Memory": "likewise",
    "gpu/Temperature": "likewise",
    "gpu/Power": "likewise",
    "gpu/Errors": "likewise",
    "redis/Lag of replicas": "the rehearsal's broker is one process, without replicas",
    "overview/Since each schedule was sent": "no schedule falls due within the test",
}
# kube-state-metrics tells of it only while it is so.
STATES = {"kube_pod_status_unschedulable"}


def test_every_panel_has_data_but_those_that_cannot_have_any_here(
    running: RunningFleet, watched: Watched
) -> None:
    for queue in running.config.queues:
        for _ in range(3):
            running.canary(queue, 0.2)

    deadline = time.monotonic() + WITHIN_S
    while (empty := list(without_data(running, watched))) and time.monotonic() < deadline:
        time.sleep(3)

    assert empty == []


def test_every_row_of_the_overviews_table_is_whole(running: RunningFleet, watched: Watched) -> None:
    queues = set(running.config.queues)
    table = {w: e for w, e in expressions(running.config, STACK) if "Queues and their" in w}

    for where, expression in table.items():
        samples = watched.monitoring.query(expression)
        assert {sample["metric"]["queue"] for sample in samples} == queues, where


def test_every_metric_of_others_is_one_that_their_exporters_tell(
    running: RunningFleet, watched: Watched
) -> None:
    """Also where an expression has a value, as 0, without it."""
    asked = {
        metric
        for where, expression in expressions(running.config, STACK)
        for metric in metrics(expression)
        if not is_excused(where) and not metric.startswith("fleet_") and metric != "ALERTS"
    }
    names = {
        name
        for sample in watched.monitoring.query("count by (__name__) ({__name__=~'.+'})")
        for name in sample["metric"].values()
    }

    assert asked - names - STATES == set()


def test_only_panels_that_there_are_are_excused(running: RunningFleet) -> None:
    places = [where for where, _ in expressions(running.config, STACK)]

    for excused in WITHOUT_DATA:
        assert any(place.startswith(f"{excused}/") for place in places), excused


def is_excused(where: str) -> bool:
    return any(where.startswith(f"{excused}/") for excused in WITHOUT_DATA)


def without_data(running: RunningFleet, watched: Watched) -> Iterator[str]:
    """Places of expressions that have no value now, or none that is a number."""
    for where, expression in expressions(running.config, STACK):
        found = watched.monitoring.query(expression)
        numbers = [float(sample["value"][1]) for sample in found]
        if not is_excused(where) and all(math.isnan(number) for number in numbers):
            yield where
