"""What a fair queue asks of its stack, and what is rendered for it."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from infra.manifests.deployment import worker_command
from infra.manifests.scaled_object import scaled_object
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig
from tests.unit.recorder import ROOT

PREFIX = "celery-fleet:"
STATED = {
    key.removeprefix(PREFIX): value
    for key, value in yaml.safe_load((ROOT / "stacks/fair_queueing.yaml").read_text())[
        "config"
    ].items()
}


def fleet(change: Mapping[str, Any] | None = None) -> FleetConfig:
    """The stack of the seed, with queues and workers replaced or added."""
    stated = deepcopy(STATED)
    for section, entries in (change or {}).items():
        stated[section] |= entries
    return FleetConfig.model_validate(stated)


def test_keda_counts_all_tenants_marks_and_what_the_worker_holds() -> None:
    spec = scaled_object(fleet(), "tenants")

    assert [trigger["metadata"]["listName"] for trigger in spec["triggers"]] == [
        "fair_queueing:fair:tenants:pending",
        "fair_queueing:unacked:tenants",
    ]
    formula = spec["advanced"]["scalingModifiers"]["formula"]
    assert [trigger["name"] for trigger in spec["triggers"]] == ["pending_0_0", "in_flight"]
    assert all(trigger["name"] in formula for trigger in spec["triggers"])


def test_the_image_marks_where_keda_counts_and_only_fair_queues() -> None:
    told = json.loads(settings_document(fleet()))

    marks = {name: queue["pendingKey"] for name, queue in told["queues"].items()}
    assert marks == {"fast": None, "slow": None, "tenants": "fair:tenants:pending"}


def test_a_worker_starts_on_the_queue_itself_without_knowing_a_tenant() -> None:
    assert "--queues=tenants" in worker_command(fleet(), "tenants")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"queues": {"tenants": {**STATED["queues"]["tenants"], "priorities": True}}},
            "fair and priorities are both true: tenants take turns",
        ),
        (
            {"queues": {"tenants.acme": {}}},
            "queues.tenants.acme has the list of tenant 'acme' of queues.tenants, which is fair",
        ),
        (
            {"workers": {"tenants": {"queues": ["tenants", "fast"]}, "fast": {"queues": ["slow"]}}},
            "workers.tenants.queues names the fair queue 'tenants' and 'fast': a fair queue needs",
        ),
    ],
)
def test_what_would_mix_tenants_with_others_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        fleet(change)
    assert told in str(refused.value)


def test_a_dot_in_a_queues_name_is_no_tenant_where_nothing_is_fair() -> None:
    plain = {**STATED["queues"]["tenants"], "fair": False}

    config = fleet({"queues": {"tenants": plain, "tenants.acme": {}}})

    assert "tenants.acme" in config.queues


def test_a_name_that_only_begins_like_a_tenants_list_is_a_queue_of_its_own() -> None:
    config = fleet({"queues": {"tenants.a.b": {}, "tenants-acme": {}}})

    assert {"tenants.a.b", "tenants-acme"} <= set(config.queues)
