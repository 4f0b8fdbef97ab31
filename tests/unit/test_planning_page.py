"""The page for whoever is on call says what the rendered objects say."""

import re
from pathlib import Path

import pytest

from fleet.planning import page
from infra.manifests.deployment import worker_deployment
from infra.manifests.scaled_object import scaled_object
from infra.models.fleet import FleetConfig
from tests.unit.aws_stack import aws_stack
from tests.unit.test_worker_contract import FLEETS


def cells(text: str, heading: str, name: str) -> list[str]:
    """The row of a name, in the table below a heading."""
    table = text.split(f"## {heading}\n\n")[1].split("\n\n", maxsplit=1)[0]
    (row,) = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def section(text: str, worker: str) -> str:
    return text.split(f"### Worker `{worker}`\n")[1].split("\n### ", maxsplit=1)[0]


@pytest.mark.parametrize("name", FLEETS)
def test_every_worker_is_told_with_what_is_rendered_for_it(name: str) -> None:
    fleet = FLEETS[name]
    text = page.text(fleet, name, f"Pulumi.{name}.yaml")

    for worker in fleet.workers:
        scaler, pod = scaled_object(fleet, worker), worker_deployment(fleet, worker)["template"]
        row, told = cells(text, "Workers", worker), section(text, worker)
        grace = pod["spec"]["terminationGracePeriodSeconds"]
        assert row[2] == f"{scaler['minReplicaCount']} to {scaler['maxReplicaCount']}"
        assert row[5] == str(grace)
        counted = {trigger["metadata"]["listName"] for trigger in scaler["triggers"]}
        assert counted <= set(re.findall(r"`([^`]+)`", told))
        assert (
            f"celery-fleet.dev/worker={pod['metadata']['labels']['celery-fleet.dev/worker']}"
            in told
        )
        assert f"-n {fleet.namespace} " in told


@pytest.mark.parametrize("name", FLEETS)
def test_every_queue_is_told_with_its_routes_limits_and_alert(name: str) -> None:
    fleet = FLEETS[name]
    text = page.text(fleet, name, "file")

    for queue, spec in fleet.queues.items():
        row = cells(text, "Queues", queue)
        assert all(f"`{route}`" in row[2] for route in spec.routes)
        assert row[3] == f"{spec.soft_time_limit_s}, {spec.time_limit_s}"
        assert row[7] == f"more than {spec.alert.pending} for {spec.alert.for_minutes} min"


def test_the_page_names_the_file_to_change_and_is_written_whole(tmp_path: Path) -> None:
    fleet: FleetConfig = FLEETS["imagineer"]
    file = tmp_path / "queues.md"

    page.save(fleet, "local", "Pulumi.local.yaml", file)

    assert "change `Pulumi.local.yaml`" in file.read_text()
    assert file.read_text() == page.text(fleet, "local", "Pulumi.local.yaml")


def test_a_cluster_that_the_stack_makes_is_named_as_kubectl_will_know_it() -> None:
    text = page.text(aws_stack(cluster={"name": "big"}), "prod", "Pulumi.prod.yaml")

    assert "kubectl --context big -n fleet-prod" in text
