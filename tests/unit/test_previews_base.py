"""What a preview needs of its base: told by version, read by program and commands alike."""

from typing import Any

import pulumi
import pytest

from infra.models.base_contract import BASE_VERSION, base_contract
from infra.outputs import FleetOutputs
from infra.program import deploy
from tests.unit.preview_stage import LOCAL, STAGING, preview, rendered
from tests.unit.recorder import imagineer, render


def test_a_stack_on_a_cluster_of_others_tells_what_previews_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert outputs_of(imagineer(), monkeypatch).base == LOCAL


def test_a_preview_is_nobodys_base(monkeypatch: pytest.MonkeyPatch) -> None:
    told = outputs_of(preview("local"), monkeypatch)

    assert told.base is None
    assert told.preview is not None
    assert told.preview["base"] == "local"


def outputs_of(config: Any, monkeypatch: pytest.MonkeyPatch) -> FleetOutputs:
    found: list[FleetOutputs] = []
    monkeypatch.setattr(
        "tests.unit.recorder.deploy",
        lambda *given: found.append(deploy(*given)),
    )
    rendered(config) if config.preview else render(config)
    return found[0]


@pytest.mark.parametrize("told", [LOCAL, STAGING, {**STAGING, "news": 1}])
def test_a_contract_of_this_version_is_read_whatever_else_it_tells(told: dict[str, Any]) -> None:
    contract = base_contract("staging", told)

    assert contract.broker.secret == told["broker"]["secret"]
    assert contract.broker.owned is (told is not LOCAL)


def test_another_version_is_refused_with_both_and_what_mends_it() -> None:
    with pytest.raises(ValueError, match=r"^stack staging .* version 2, this program reads 1: "):
        base_contract("staging", {**STAGING, "version": BASE_VERSION + 1})


def test_a_stack_without_the_output_is_told_as_such() -> None:
    with pytest.raises(ValueError, match="stack staging has no output `base`"):
        base_contract("staging", None)


def test_a_key_that_lacks_is_named() -> None:
    lacking = {key: value for key, value in STAGING.items() if key != "storageClass"}

    with pytest.raises(ValueError, match="wrong storageClass"):
        base_contract("staging", lacking)


def test_an_up_reads_the_base_by_its_whole_name() -> None:
    objects = rendered(preview("local"))

    (reference,) = (each for each in objects.resources if "StackReference" in each.typ)
    assert reference.inputs["name"].endswith("/celery-fleet/local")


@pytest.mark.parametrize("told", [{"version": 7}, "gone"])
def test_an_up_ends_where_the_base_is_gone_or_speaks_otherwise(told: object) -> None:
    with pytest.raises(pulumi.RunError, match="stack local has"):
        rendered(preview("local"), told)
