"""What the campaign deploys on a cluster: the fleet's own worker, with the campaign's tasks."""

import json
from pathlib import Path

from chaos.arms import VISIBILITY_S
from chaos.cluster.scenario import deployed

OWN = deployed(Path("ledger.sqlite"))
CONTAINER = OWN.deployment["template"]["spec"]["containers"][0]


def test_the_worker_runs_the_campaign_s_app_with_the_fleet_s_options() -> None:
    assert "--app=chaos.fleet_app" in CONTAINER["command"]
    assert "--disable-prefetch" in CONTAINER["command"]


def test_the_ledger_is_named_as_its_containers_find_it() -> None:
    told = {variable["name"]: variable.get("value") for variable in CONTAINER["env"]}

    assert told["CHAOS_LEDGER"] == "ledger.sqlite"


def test_a_pod_signs_the_ledger_with_its_own_name() -> None:
    (worker,) = (one for one in CONTAINER["env"] if one["name"] == "CHAOS_WORKER")

    assert worker["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_the_worker_scales_to_zero_by_what_waits_and_what_is_held() -> None:
    keys = {trigger["metadata"]["listName"] for trigger in OWN.scaled_object["triggers"]}

    assert OWN.min_replicas == 0
    assert {OWN.pending_key, OWN.in_flight_key} <= keys


def test_both_levels_have_one_visibility_timeout() -> None:
    assert json.loads(OWN.settings)["visibilityTimeoutSeconds"] == VISIBILITY_S
