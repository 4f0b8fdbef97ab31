"""Plain `pulumi` on a running fleet behaves as Pulumi's users expect."""

import json
from typing import Any

import pytest

from tests.whole.running_fleet import NAMESPACE, STACK, RunningFleet, until

# What a preview lists although nothing changes.
QUIET = {"same", "read"}
pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(240)]


def test_a_second_up_changes_nothing(running: RunningFleet) -> None:
    up = running.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")

    assert up.returncode == 0, up.output


def test_refresh_finds_no_drift_although_keda_has_moved_replicas(running: RunningFleet) -> None:
    task = running.canary("scraping", 8)
    until(lambda: running.pods("scraping") or None, 30, "KEDA scales up")

    refresh = running.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    assert refresh.returncode == 0, refresh.output
    assert running.result(task, 60).status == "completed"


def test_no_secret_is_readable_in_state_or_outputs(running: RunningFleet) -> None:
    secret = running.cluster.secret(NAMESPACE, "broker")
    token = running.cluster.secret(NAMESPACE, "api-token")
    assert secret is not None
    assert token is not None

    state = running.pulumi("stack", "export")
    outputs = running.pulumi("stack", "output", "--json")

    assert state.returncode == 0, state.output
    for value in (secret["password"], secret["brokerUrl"], token["token"]):
        assert value not in state.stdout
        assert value not in outputs.stdout


def test_outputs_name_the_queues_and_workers(running: RunningFleet) -> None:
    outputs = json.loads(running.pulumi("stack", "output", "--json").stdout)

    assert outputs["queues"] == ["default", "labeling", "scraping", "training"]
    assert outputs["workers"]["training"] == "worker-training"
    assert outputs["api_service"] == f"{NAMESPACE}/api"


def test_changing_one_worker_touches_only_its_own_objects(running: RunningFleet) -> None:
    def slower(config: dict[str, Any]) -> None:
        config["celery-fleet:workers"]["scraping"]["concurrency"] = 3

    running.edit_stack(slower)

    preview = running.pulumi("preview", "--json")
    steps = json.loads(preview.stdout)["steps"]

    changed = {step["urn"].split("::")[-1] for step in steps if step["op"] not in QUIET}
    kinds = {
        step["urn"].split("::")[-2].split("$")[-1] for step in steps if step["op"] not in QUIET
    }
    assert changed == {"worker-scraping"}
    assert kinds == {"kubernetes:apps/v1:Deployment", "kubernetes:keda.sh/v1alpha1:ScaledObject"}
    up = running.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.output
    command = running.get("deployments", "worker-scraping")["spec"]["template"]["spec"]
    assert "--concurrency=3" in command["containers"][0]["command"]


def test_a_changed_route_rolls_who_publishes_and_replaces_nothing(running: RunningFleet) -> None:
    def faster(config: dict[str, Any]) -> None:
        queue = config["celery-fleet:queues"]["scraping"]
        queue["rateLimits"] = {"worker_image.tasks.scraping.fetch_page": "9/s"}

    running.edit_stack(faster)

    preview = running.pulumi("preview", "--json")
    steps = json.loads(preview.stdout)["steps"]

    changed = {step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] not in QUIET}
    updated = {"settings", "worker-scraping", "api", "beat"}
    assert changed == dict.fromkeys(updated, "update")
    up = running.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.output
    settings = running.get("configmaps", "celery-settings")["data"]["settings.json"]
    assert "9/s" in settings


def test_adding_a_queue_is_one_entry_that_touches_no_other_worker(running: RunningFleet) -> None:
    def one_more(config: dict[str, Any]) -> None:
        limits = {"timeLimitSeconds": 20, "softTimeLimitSeconds": 15}
        config["celery-fleet:queues"]["reports"] = {**limits, "objective": {"typicalSeconds": 5}}

    running.edit_stack(one_more)

    preview = running.pulumi("preview", "--json")
    steps = json.loads(preview.stdout)["steps"]

    changed = [
        (step["urn"].split("::")[-2].split(":")[-1], step["urn"].split("::")[-1], step["op"])
        for step in steps
        if step["op"] not in QUIET
    ]
    kinds = ("QueueWorkers", "Deployment", "PodDisruptionBudget", "ScaledObject")
    made = [(k, "reports" if k == "QueueWorkers" else "worker-reports", "create") for k in kinds]
    told = [("ConfigMap", "settings"), *(("Deployment", n) for n in ("api", "beat", "janitor"))]
    assert sorted(changed) == sorted([*made, *((*each, "update") for each in told)])
    up = running.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.output
    assert running.result(running.canary("reports", 0.1), 60).status == "completed"
    running.rest("reports")


def test_a_misspelt_key_is_refused_in_one_line_and_nothing_changes(running: RunningFleet) -> None:
    before = running.pulumi("stack", "export").stdout
    original = running.stack_file.read_text()
    running.edit_stack(lambda config: config.update({"celery-fleet:queus": {}}))

    up = running.pulumi("up", "--yes", "--skip-preview")
    running.stack_file.write_text(original)

    assert up.returncode != 0
    assert f"Pulumi.{STACK}.yaml: queus is not a known key; is it misspelt?" in up.output
    assert "Traceback" not in up.output
    after = running.pulumi("stack", "export").stdout
    assert resources(after) == resources(before)


def test_what_the_api_server_refuses_is_shown_in_its_own_words(running: RunningFleet) -> None:
    original = running.stack_file.read_text()

    def too_long(config: dict[str, Any]) -> None:
        config["celery-fleet:nodeGroups"]["cpu"]["taints"] = [{"key": "not a key", "value": "x"}]

    running.edit_stack(too_long)
    preview = running.pulumi("preview")
    running.stack_file.write_text(original)

    assert preview.returncode != 0
    assert "spec.template.spec.tolerations" in preview.output


def test_destroy_takes_scalers_before_workers_and_ends_clean(running: RunningFleet) -> None:
    destroy = running.pulumi("destroy", "--yes", "--skip-preview", "--json")

    assert destroy.returncode == 0, destroy.output
    deleted = [
        event["resOutputsEvent"]["metadata"]["urn"]
        for event in map(json.loads, filter(None, destroy.stdout.splitlines()))
        if "resOutputsEvent" in event
    ]
    order = {tuple(urn.split("::")[-2:]): at for at, urn in enumerate(deleted)}
    for worker in ("default", "training", "scraping", "labeling", "reports"):
        name = f"worker-{worker}"
        parent = "celery-fleet:workers:QueueWorkers$kubernetes:"
        scaler = order[f"{parent}keda.sh/v1alpha1:ScaledObject", name]
        assert scaler < order[f"{parent}apps/v1:Deployment", name]
    assert running.cluster.get(f"/api/v1/namespaces/{NAMESPACE}") is None
    assert running.pulumi("stack", "export").stdout.count('"urn"') <= 1


def resources(export: str) -> list[str]:
    return sorted(r["urn"] for r in json.loads(export)["deployment"].get("resources", []))
