"""What two stack files alone say of a change: the same words as of a preview."""

import json
import re
from typing import Any

import pytest

from fleet import stack_config
from fleet.difference import command, files, preview, report, workers
from infra.models.fleet import FleetConfig
from tests.unit import preview_of
from tests.unit.diff_stage import BASE, base, changed
from tests.unit.recorder import ROOT

STAGING = (ROOT / "Pulumi.staging.yaml").read_text()


def staging(old: str = "", new: str = "") -> FleetConfig:
    assert old in STAGING
    return stack_config.read_text(STAGING.replace(old, new, 1), "Pulumi.staging.yaml")


def more_pods(raw: dict[str, Any]) -> None:
    raw["workers"]["labeling"]["maxReplicaCount"] = 20


def shorter(raw: dict[str, Any]) -> None:
    raw["queues"]["default"] |= {"timeLimitSeconds": 50, "softTimeLimitSeconds": 45}


def another_queue(raw: dict[str, Any]) -> None:
    raw["queues"]["reports"] = {"class": "interactive"}


def one_queue_less(raw: dict[str, Any]) -> None:
    del raw["queues"]["training"], raw["workers"]["training"]


def prefixed(raw: dict[str, Any]) -> None:
    raw["broker"]["keyPrefix"] = "new:"


@pytest.mark.parametrize("change", [more_pods, shorter, another_queue, one_queue_less, prefixed])
def test_what_the_files_say_the_preview_says_too(change: Any) -> None:
    after = changed(change)

    found = files.compare(BASE, after)

    steps = preview.read(json.dumps(preview_of.document(base(), preview_of.resources(after))), "")
    told = [command.worker_told(after, each, None) for each in workers.changes(steps)]
    whole = report.report(steps, told, None)
    assert found.dangers == whole.dangers
    assert found.workers == whole.workers
    assert [line for line in whole.lines if not line.startswith("besides")] == [
        line for line in found.lines if line in whole.lines
    ]
    assert found.changed


def test_the_order_of_the_engine_is_not_told() -> None:
    document = preview_of.document(base(), preview_of.resources(changed(one_queue_less)))

    turned = {**document, "steps": document["steps"][::-1]}

    assert preview.read(json.dumps(turned), "") == preview.read(json.dumps(document), "")


def test_files_that_say_the_same_change_nothing() -> None:
    assert not files.compare(BASE, BASE).changed


def test_a_setting_that_no_queue_or_worker_tells_of_is_told_by_its_key() -> None:
    found = files.compare(staging(), staging("nodes: 1\n", "nodes: 2\n"))

    assert (found.lines, found.dangers) == (("nodeGroups.cpu.nodes: 1 -> 2",), ())
    prices = "cache.t4g.small: 0.0256"
    priced = files.compare(staging(), staging(prices, f"{prices}\n    cache.m7g.large: 0.158"))
    assert priced.lines == ('prices["cache.m7g.large"]: not stated -> 0.158',)


def test_another_namespace_takes_everything_along() -> None:
    found = files.compare(staging(), staging("imagineer-staging", "imagineer-stage"))

    assert [told.split(":")[0] for told in found.dangers] == [
        "Namespace namespace is REPLACED (metadata.name)",
        "the broker is REPLACED, which is named after the namespace",
    ]
    assert any(line.startswith("worker labeling is replaced") for line in found.lines)


def test_another_kind_of_broker_leaves_messages_behind() -> None:
    given = "celery-fleet:broker: { kind: existing, connectionSecret: { namespace: a, name: b } }"
    stated = re.sub(r"celery-fleet:broker: .*", given, STAGING)
    other = stack_config.read_text(stated, "Pulumi.staging.yaml")

    dangers = files.compare(staging(), other).dangers
    told = "the broker CHANGES from 'elasticache' to 'existing': messages"
    assert [danger.startswith(told) for danger in dangers].count(True) == 1
