"""Real conditions raise the alerts that a stack's rules promise, and their end resolves them."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from random import Random

import pytest

from infra.alerts import alert_groups
from rehearsal.monitoring import KUBE_STATE_METRICS
from tests.whole import faults
from tests.whole.drill import HEADER, Drill, Expected, Sighting
from tests.whole.interference import broker_that_hangs
from tests.whole.running_fleet import RunningFleet, until
from tests.whole.watched import FACTOR, Watched

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(420)]

HOUR_S = 3600 / FACTOR
FORGOTTEN = "default"
"""The worker whose scaler stays paused for most of this file."""
WAITING = 100
"""Above the backlog that the stack tolerates, and most of all that was sent in the last hour."""
# A stopped pod is taken for dead after 60 s and three probes.
STOPPED_S = 72
NOT_MADE = {
    # Nobody may change the broker's policy, without which it evicts nothing.
    "RedisEvictions",
}


@pytest.fixture(scope="module")
def drill(watched: Watched) -> Drill:
    return Drill(watched)


@pytest.fixture(scope="module")
def rested(running: RunningFleet, watched: Watched) -> RunningFleet:
    """The fleet after what earlier tests did to it, and its traces in the rules' windows."""
    for worker in running.config.workers:
        running.rest(worker)
    until(lambda: not watched.monitoring.alerts() or None, 60, "nothing is pending")
    return running


@pytest.fixture(scope="module")
def unpause() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def forgotten(rested: RunningFleet, drill: Drill, unpause: ExitStack) -> list[Sighting]:
    """A scaler that someone has paused."""
    alert = ("CeleryScalerPaused", {"worker": FORGOTTEN})
    unpause.enter_context(faults.paused(rested, FORGOTTEN, 1))
    return unpause.enter_context(drill.expecting(alert))


def test_a_normal_hour_of_load_raises_no_alert(rested: RunningFleet, watched: Watched) -> None:
    began = time.monotonic()
    before = {name: queue.done for name, queue in rested.api.queues().items()}
    sent = dict.fromkeys(before, 0)
    for moment, queue, seconds in load(rested):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        rested.canary(queue, seconds)
        sent[queue] += 1
    time.sleep(max(0.0, began + HOUR_S - time.monotonic()))

    assert watched.receiver.notices(began) == []
    ended = watched.monitoring.query(f"sum(max_over_time(fleet_tasks_total[{HOUR_S:g}s]))")
    assert float(ended[0]["value"][1]) > 0
    done = {name: queue.done - before[name] for name, queue in rested.api.queues().items()}
    assert all(done[name] == sent[name] > 0 for name in sent), (done, sent)


def load(running: RunningFleet) -> list[tuple[float, str, float]]:
    """Moments, queues and run times of an hour as the stack's objectives expect it."""
    random = Random(8)  # noqa: S311 - no secret
    planned = []
    for name, spec in running.config.queues.items():
        tasks = max(1, round(spec.objective.per_hour))
        typical_s = spec.objective.typical_s / FACTOR
        # The last ones end within the hour.
        planned += [(random.uniform(0, HOUR_S - 20), name, typical_s) for _ in range(tasks)]
    return sorted(planned)


@contextmanager
def busy_and_stopped(running: RunningFleet, drill: Drill) -> Iterator[list[Sighting]]:
    """Workers that stand still with messages in their hands."""
    faults.ready_pods(running, FORGOTTEN, 1)
    for _ in range(8):
        running.canary(FORGOTTEN, 2)
    until(lambda: running.api.queues()[FORGOTTEN].in_flight or None, 20, "some are held")
    stalled = ("CeleryQueueStalled", {"queue": FORGOTTEN, "in_flight": "some"})
    with faults.stopped(running, FORGOTTEN), drill.expecting(stalled) as found:
        yield found


@contextmanager
def idle_and_stopped(running: RunningFleet, drill: Drill) -> Iterator[list[Sighting]]:
    """Workers that are ready and fetch nothing."""
    faults.ready_pods(running, "labeling", 1)
    with faults.stopped(running, "labeling"), ThreadPoolExecutor(8) as senders:
        tasks = [senders.submit(running.canary, "labeling", 0.05) for _ in range(WAITING)]
        with drill.expecting(
            ("CeleryQueueStalled", {"queue": "labeling", "in_flight": "none"}),
            ("CeleryQueueBacklog", {"queue": "labeling"}),
        ) as found:
            yield found
    for task in tasks:
        assert running.result(task.result(), 60).status == "completed"


@pytest.mark.usefixtures("forgotten")
def test_queues_scalers_beat_and_memory_raise_their_alerts(
    rested: RunningFleet, drill: Drill
) -> None:
    def expect(fault: AbstractContextManager[object], *alerts: Expected) -> None:
        broken.enter_context(fault)
        told.extend(broken.enter_context(drill.expecting(*alerts)))

    told: list[Sighting] = []
    with ExitStack() as broken:
        broken.enter_context(faults.paused(rested, "labeling", 1))
        expect(
            faults.without_image(rested, "scraping"),
            ("ImagePull", {"pull": "failing"}),
            ("CeleryQueueUnserved", {"queue": "scraping"}),
        )
        rested.canary("scraping", 0.1)
        expect(faults.scaled_to_zero(rested, "beat"), ("CeleryBeatAbsent", {}))
        expect(faults.full_broker(rested), ("RedisMemory", {"level": "full"}))
        password = faults.wrong_password(rested, "training")
        expect(password, ("KedaScalerErrors", {"worker": "training"}))
        told += broken.enter_context(idle_and_stopped(rested, drill))
        began = time.monotonic()
        told += broken.enter_context(busy_and_stopped(rested, drill))
        drill.await_told(told, 80)
        time.sleep(max(0.0, began + STOPPED_S - time.monotonic()))
        # Begins once they are started late; it ends by itself.
        with drill.expecting(("CeleryQueueWaitFastBurn", {"queue": "labeling"})) as late:
            broken.close()
            drill.await_told(late, 40)
    drill.await_resolved([*told, *late], 90)


def test_a_silent_janitor_and_a_silent_exporter_raise_their_alerts(
    rested: RunningFleet, drill: Drill
) -> None:
    states = drill.watched.monitoring.process_ids[KUBE_STATE_METRICS]
    exporter = ("ExporterDown", {"exporter": KUBE_STATE_METRICS})
    with (
        faults.scaled_to_zero(rested, "janitor"),
        faults.stopped_process(states),
        drill.expecting(("CeleryJanitorSilent", {}), exporter) as told,
    ):
        drill.await_told(told, 75)
    drill.await_resolved(told, 60)


def test_a_broker_that_hangs_raises_its_alert(rested: RunningFleet, drill: Drill) -> None:
    with broker_that_hangs(rested), drill.expecting(("RedisDown", {})) as told:
        drill.await_told(told, 45)
    drill.await_resolved(told, 60)


def test_a_scaler_that_is_left_paused_raises_its_alert(
    forgotten: list[Sighting], drill: Drill, unpause: ExitStack
) -> None:
    drill.await_told(forgotten, HOUR_S + 20)
    unpause.close()
    drill.await_resolved(forgotten, 30)


def test_every_alert_that_wakes_someone_was_told_and_ended(
    running: RunningFleet, drill: Drill, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = (rule for group in alert_groups(running.config) for rule in group.rules)
    wake = {rule.alert for rule in rules if rule.severity == "page"}
    seen = [each for each in drill.sightings if each.resolved > each.ended > each.told]
    table = [f"One hour of the rules in {HOUR_S:g} s:", HEADER, *(each.row for each in seen)]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(table) + "\n")

    assert len(seen) == len(drill.sightings)
    assert wake - {each.alert for each in seen} == NOT_MADE
