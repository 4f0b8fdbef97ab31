"""What runs once in a fleet: beat's schedules, beat itself, and the janitor."""

from collections.abc import Iterator, Mapping

from infra.alerts.rule import Rule, Series, duration, equal
from infra.models.beat import BeatSpec
from infra.models.fleet import FleetConfig
from infra.names import BEAT, JANITOR

_PERIODS = 2
_DAY_HOURS = 24
_AWAY_S = 600
_SILENT_S = 120


def schedules_h(beat: BeatSpec) -> Mapping[str, int]:
    """Hours between two sends by schedule; the names are those of the image's own schedule."""
    return {
        "record-disk-usage": beat.disk_sample_hours,
        "purge-stale-training": _DAY_HOURS,
        "purge-stale-scrapes": _DAY_HOURS,
    }


def single_rules(config: FleetConfig, series: Series) -> Iterator[Rule]:
    """Rules of beat and janitor; without them no schedule runs and no queue is counted."""
    for schedule, hours in schedules_h(config.beat).items():
        yield _not_sent(series, schedule, _PERIODS * hours)
    yield Rule(
        "CeleryBeatAbsent",
        absent(series, BEAT),
        _AWAY_S,
        "page",
        "Beat does not run",
        f"No beat has answered Prometheus for {duration(_AWAY_S)}: no schedule is sent.",
    )
    told = f"max({series.of('fleet_janitor_last_round_timestamp_seconds')})"
    yield Rule(
        "CeleryJanitorSilent",
        f"time() - {told} > {_SILENT_S} or {absent(series, JANITOR)}",
        300,
        "page",
        "The janitor is silent",
        "The janitor has finished no round for minutes: what lost workers held does not come back, "
        "and no alert on a queue can be trusted.",
    )
    yield Rule(
        "CeleryListUnowned",
        f"max({series.of('fleet_unowned_lists')}) > 0",
        900,
        "ticket",
        "Messages lie in lists that no queue owns",
        "{{ $value }} lists under the key prefix belong to no queue: nothing consumes them.",
    )


def absent(series: Series, container: str) -> str:
    """Whether no pod with this container answers Prometheus."""
    return f"absent({series.of('up', equal('container', container))} == 1)"


def _not_sent(series: Series, schedule: str, hours: int) -> Rule:
    """One that was never sent has no series: it counts from when beat was first seen."""
    sent = series.of("fleet_beat_last_send_timestamp_seconds", equal("schedule", schedule))
    beat = series.of("up", equal("container", BEAT))
    return Rule(
        "CeleryScheduleNotSent",
        f"time() - max({sent}) > {hours * 3600} or on() "
        f"(absent_over_time({sent}[{hours}h]) and on() count({beat} offset {hours}h))",
        300,
        "ticket",
        f"Schedule {schedule} is not sent",
        f"Beat has not sent schedule {schedule} for {hours} hours, two of its periods.",
        {"schedule": schedule},
    )
