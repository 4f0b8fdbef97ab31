"""The table of `fleet status`: readable at 80 columns, whatever the workers are called."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from fleet.api_client import QueueStatistics
from fleet.fleet_state import Alert, FleetState, Replicas, WorkerState
from fleet.status import Snapshot, render
from fleet.status_table import backlogs

LONG = "quarterly-reports-of-all-regional-subsidiaries"
MANY = tuple(f"{LONG.replace('-', '_')}_{number}" for number in range(2))


def worker(name: str, *queues: str) -> WorkerState:
    replicas = Replicas(102, 110, settled=True)
    return WorkerState(name, queues, replicas, 10, 120, paused=False, scaler_problem=None)


def statistics(pending: int) -> QueueStatistics:
    given = {"pending": pending, "in_flight": 204, "done": 1_234_567, "failed": 12}
    waits = {"wait_p50_s": 0.4321, "wait_p95_s": 1234.5}
    # What else it may hold says nothing here.
    known: dict[str, Any] = dict.fromkeys(QueueStatistics.__dataclass_fields__)
    return QueueStatistics(**{**known, **given, "redelivered": 3, **waits})


def lines(fleet: FleetState, queues: Mapping[str, QueueStatistics], width: int = 80) -> list[str]:
    console = Console(width=width)
    shown = Snapshot("s", "n", fleet, queues, tuple(backlogs(fleet, queues)))
    with console.capture() as capture:
        console.print(render(shown))
    return capture.get().splitlines()


def test_every_figure_and_every_letter_of_a_long_name_is_there_at_80_columns() -> None:
    fleet = FleetState((worker(LONG, LONG), worker("shared", *MANY)), None, None)
    queues = {name: statistics(123_456) for name in (LONG, *MANY)}

    shown = lines(fleet, queues)

    assert max(map(len, shown)) <= 80
    text = "\n".join(shown)
    assert "…" not in text
    for figure in ("102/110", "10..120", "123456", "204", "1234567", "12", "0.43, 1234"):
        assert text.count(figure) >= 2, figure
    names = "".join(line.split(" ")[0] for line in shown)
    assert all(name in names for name in (LONG, *MANY))


def test_a_shared_workers_replicas_are_shown_once_above_its_queues() -> None:
    fleet = FleetState((worker("all-queues", "a", "b"), worker("c-d", "c_d")), None, None)
    shown = lines(fleet, {name: statistics(0) for name in ("a", "b", "c_d")})

    firsts = [line.split()[0] for line in shown[4:]]
    assert firsts == ["all-queues", "└a", "└b", "c_d", "api"]
    assert [line.split()[0] for line in shown if "102/110" in line] == ["all-queues", "c_d"]


def test_a_backlog_above_its_alert_is_marked_and_told_one_at_it_is_not() -> None:
    alerts = {name: Alert(25, 15) for name in ("above", "at")}
    workers = (worker("above", "above"), worker("at", "at"))
    fleet = FleetState(workers, None, None, alerts)

    shown = lines(fleet, {"above": statistics(26), "at": statistics(25)}, width=120)

    assert [line.split()[0] for line in shown if "! 2" in line] == ["above"]
    notice = "! queue above: 26 messages wait, more than the 25 of its alert (after 15 minutes)"
    assert shown[-1] == notice


def test_programs_read_the_thresholds_too() -> None:
    fleet = FleetState((worker("a", "a"),), None, None, {"a": Alert(25, 15)})

    told = json.loads(json.dumps(Snapshot("s", "n", fleet, {}, ()).as_json()))

    assert told["state"]["alerts"] == {"a": {"pending": 25, "for_minutes": 15}}
