"""Which alerts a stack has, with which numbers, who hears of them, and where they are placed."""

import re
from pathlib import Path
from typing import Any

import pytest
from celery.schedules import crontab

from infra.alerts import Rule, alert_groups
from infra.alerts.queues import bound_s, late_share
from infra.alerts.rule import duration
from infra.alerts.singles import schedules_h
from infra.config import load_file
from infra.manifests.prometheus_rule import prometheus_rule
from infra.models.fleet import FleetConfig
from infra.models.objective import Objective
from tests.unit.aws_stage import changed
from tests.unit.recorder import ROOT, imagineer
from tests.unit.worker_stage import load
from worker_image.metrics import WAIT_BUCKETS_S
from worker_image.schedule import beat_schedule

PROD = load_file(ROOT / "Pulumi.prod.yaml")
TEMPLATE = re.compile(r"\{\{.*?\}\}")
# What stands in `{{ }}`; promtool checks that it can be read.
TOLD = {"{{ $value }}"} | {
    f"{{{{ $value | {how} }}}}" for how in ("humanize", "humanizePercentage", "humanizeDuration")
}


def rules(config: FleetConfig = PROD) -> list[Rule]:
    return [rule for group in alert_groups(config) for rule in group.rules]


def rendered_rules(config: FleetConfig) -> list[dict[str, Any]]:
    return [rule for group in prometheus_rule(config, "x")["groups"] for rule in group["rules"]]


def named(alert: str, config: FleetConfig = PROD, **labels: str) -> Rule:
    found = [r for r in rules(config) if r.alert == alert and labels.items() <= r.labels.items()]
    assert len(found) == 1, [rule.labels for rule in found]
    return found[0]


@pytest.mark.parametrize(
    ("queue", "pending", "for_s"),
    [("scraping", 25, 900), ("labeling", 25, 900), ("default", 100, 900)],
)
def test_each_queue_has_its_own_backlog(queue: str, pending: int, for_s: int) -> None:
    rule = named("CeleryQueueBacklog", queue=queue)

    assert (rule.expr.rsplit(" ", 1)[1], rule.for_s) == (str(pending), for_s)
    assert f'queue="{queue}"' in rule.expr


def test_a_changed_threshold_changes_one_rule() -> None:
    queues = {name: queue.model_dump(by_alias=True) for name, queue in PROD.queues.items()}
    queues["labeling"]["alert"] = {"pending": 7, "forMinutes": 3}
    before, after = rules(), rules(changed("prod", queues=queues))
    different = [new for old, new in zip(before, after, strict=True) if old != new]

    assert [(rule.alert, rule.labels["queue"], rule.for_s) for rule in different] == [
        ("CeleryQueueBacklog", "labeling", 180)
    ]


def test_every_queue_and_every_worker_has_every_rule_of_its_kind() -> None:
    for rule in rules():
        if set(rule.labels) == {"queue"}:
            assert {r.labels["queue"] for r in rules() if r.alert == rule.alert} == set(PROD.queues)
        if "worker" in rule.labels and rule.alert != "CeleryWorkerAtMaximum":
            found = {r.labels["worker"] for r in rules() if r.alert == rule.alert}
            assert found == set(PROD.workers)


def test_two_rules_never_have_one_name_and_the_same_labels() -> None:
    for config in (PROD, imagineer()):
        keys = [(rule.alert, *sorted(rule.labels.items())) for rule in rules(config)]
        assert len(keys) == len(set(keys))


def test_each_rule_is_about_its_own_stack() -> None:
    clusters = ("DCGM_FI_", "cluster_autoscaler_", "keda_build_info")
    for rule in rules():
        assert 'namespace="imagineer-prod"' in rule.expr or any(c in rule.expr for c in clusters)


@pytest.mark.parametrize("name", ["staging", "preview", "local"])
def test_only_prod_wakes_anyone(name: str) -> None:
    config = {
        "staging": load_file(ROOT / "Pulumi.staging.yaml"),
        "preview": imagineer(tier="preview"),
        "local": imagineer(),
    }[name]

    assert {rule["labels"]["severity"] for rule in rendered_rules(config)} == {"ticket"}
    severities = {rule["labels"]["severity"] for rule in rendered_rules(PROD)}
    assert severities == {"page", "ticket"}


def test_each_rule_says_what_how_much_and_where_to_read_on() -> None:
    url = "https://docs.test/runbooks"
    monitoring = {"kind": "existing", "rules": True, "runbooksUrl": url}
    for rule in rendered_rules(changed("prod", monitoring=monitoring)):
        told = rule["annotations"]
        assert {"severity", "stack"} <= set(rule["labels"])
        assert rule["labels"]["stack"] == "x"
        assert told["runbook_url"] == f"{url}/{rule['alert']}.md"
        assert told["summary"]
        assert "{" not in told["summary"]
        assert set(TEMPLATE.findall(told["description"])) <= TOLD, told["description"]
        assert rule["for"] != "0h"


def test_late_is_counted_at_a_bound_that_the_workers_histogram_has() -> None:
    for tolerated_s in (0.5, 1, 59.9, 60, 600, 10_000):
        promise = promised(tolerated_s)
        bound = bound_s(promise)
        assert bound in WAIT_BUCKETS_S
        assert bound == min(each for each in WAIT_BUCKETS_S if each >= tolerated_s)

    assert bound_s(promised(10_001)) is None


def promised(tolerated_s: float, quantile: float = 0.95) -> Objective:
    return Objective.model_validate(
        {
            "typicalSeconds": 1,
            "perHour": 1,
            "burst": {"tasks": 1},
            "toleratedWaitSeconds": tolerated_s,
            "quantile": quantile,
        }
    )


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.95, 0.99, 0.999])
def test_a_share_of_late_tasks_is_one_that_can_be_exceeded(quantile: float) -> None:
    fast, slow = (late_share(promised(1, quantile), factor) for factor in (14.4, 6.0))

    assert 1 - quantile < slow <= fast < 1


def test_schedules_are_the_images_with_their_periods(tmp_path: Path) -> None:
    entries = beat_schedule(load(tmp_path, IMAGINEER_DISK_SAMPLE_HOURS="9").environment)
    beat = PROD.beat.model_copy(update={"disk_sample_hours": 9})
    hours = {
        name: 24 if isinstance(entry["schedule"], crontab) else entry["schedule"].seconds // 3600  # type: ignore[attr-defined]  # a timedelta
        for name, entry in entries.items()
    }

    assert dict(schedules_h(beat)) == hours
    assert "> 43200 " in named("CeleryScheduleNotSent", schedule="record-disk-usage").expr


def test_a_worker_without_room_is_not_told_to_be_at_its_maximum() -> None:
    workers = {name: worker.model_dump(by_alias=True) for name, worker in PROD.workers.items()}
    workers["labeling"] |= {"minReplicaCount": 3, "maxReplicaCount": 3}
    found = rules(changed("prod", workers=workers))

    at_most = {r.labels["worker"] for r in found if r.alert == "CeleryWorkerAtMaximum"}
    assert at_most == set(PROD.workers) - {"labeling"}


def test_a_cluster_of_others_has_no_rules_on_its_nodes_autoscaler() -> None:
    found = rules(imagineer())

    assert "GpuNodeIdle" not in {rule.alert for rule in found}
    assert not any("cluster_autoscaler" in rule.expr for rule in found)


def test_queues_of_one_worker_are_stuck_only_together() -> None:
    queues = {"queues": ["default", "labeling"]}
    workers = {name: w.model_dump(by_alias=True) for name, w in PROD.workers.items()}
    shared = {**{k: v for k, v in workers.items() if k not in queues["queues"]}}
    shared["both"] = {**workers["labeling"], **queues}
    rule = named(
        "CeleryQueueStalled", changed("prod", workers=shared), queue="default", in_flight="none"
    )

    assert 'fleet_tasks_total{namespace="imagineer-prod",queue=~"default|labeling"}' in rule.expr
    assert 'deployment=~"worker-both"' in rule.expr


@pytest.mark.parametrize(
    ("seconds", "text"), [(30, "30s"), (90, "90s"), (900, "15m"), (3600, "1h"), (43_200, "12h")]
)
def test_durations_are_as_prometheus_writes_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text
