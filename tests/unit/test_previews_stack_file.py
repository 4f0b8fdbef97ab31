"""A preview's stack file: its base's queues on little, never in its base's way, never loud."""

from datetime import timedelta
from typing import Any

import pytest

from celery_policy.resource import Stack
from fleet.previews.cost import cost
from fleet.previews.up import Request, _training
from infra.models.agreement import plan
from infra.models.broker import ExistingBroker
from infra.models.cluster import ExistingCluster
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.policy.test_own_stacks import broken_rules, resources
from tests.unit.preview_stage import BRANCH, NAME, STAGING, base, preview, rendered, wish

BASES = pytest.mark.parametrize("stack", ["local", "staging"])


@BASES
def test_one_worker_from_zero_takes_every_queue_that_is_not_on_gpus(stack: str) -> None:
    config = preview(stack, profiles=None)

    worker = config.workers["preview"]
    assert list(config.workers) == ["preview"]
    assert set(config.queues) == set(worker.queues) == {"default", "scraping", "labeling"}
    assert (worker.node_name, worker.concurrency, worker.resources.gpu) == ("preview", 2, 0)
    bounds = plan(config, "preview")
    assert (bounds.min_replicas, bounds.max_replicas) == (0, 1)


@pytest.mark.parametrize(("stated", "kept_s"), [(600, 600), (86_400, 3600), (None, 3600)])
def test_results_are_kept_an_hour_at_most(stated: int | None, kept_s: int) -> None:
    """Each is in the memory of the base's broker."""
    told = dict(base("local").raw["broker"])
    told.pop("resultExpiresSeconds")
    broker = told if stated is None else {**told, "resultExpiresSeconds": stated}

    assert preview("local", broker=broker).broker.result_expires_s == kept_s


def test_the_one_worker_has_room_for_the_largest_task_that_it_takes_over() -> None:
    asked = preview("staging").workers["preview"].resources

    assert (asked.requests.cpu, asked.requests.memory) == ("500m", "1Gi")
    assert (asked.limits.cpu, asked.limits.memory) == ("2", "2Gi")


def test_a_profile_of_that_name_says_what_a_previews_workers_are() -> None:
    profile = {
        "beat": {"diskSampleHours": 48},
        "workers": {"few": {"queues": ["default"], "minReplicaCount": 1, "podDeletionCost": True}},
    }

    config = preview("local", profiles={"preview": profile})

    assert list(config.queues) == ["default"]
    assert config.beat.disk_sample_hours == 48
    assert config.workers["few"].min_replicas == 0
    assert not config.workers["few"].pod_deletion_cost


def test_beat_is_rarer_than_the_bases() -> None:
    assert preview("staging").beat.disk_sample_hours > base("staging").config.beat.disk_sample_hours
    assert preview("staging", beat={"diskSampleHours": 100}).beat.disk_sample_hours == 100


@BASES
def test_it_lives_on_the_bases_cluster_and_broker_under_its_own_name(stack: str) -> None:
    config, told = preview(stack), base(stack).told

    assert isinstance(config.cluster, ExistingCluster)
    assert config.namespace == NAME != told.namespace
    assert config.cluster.context == told.cluster.name
    assert config.broker.key_prefix == f"{NAME}:"
    assert config.broker.publishes_ca is (told.broker.authority == "secret")
    assert not config.on_aws


def test_beside_a_broker_of_others_it_logs_in_as_its_base_does() -> None:
    broker, told = preview("local").broker, base("local").told.broker

    assert isinstance(broker, ExistingBroker)
    login = broker.connection_secret
    assert f"{login.namespace}/{login.name}" == told.secret


@pytest.mark.parametrize("kind", ["AlertmanagerConfig", "PrometheusRule", "PodMonitor"])
def test_it_tells_nobody_of_anything(kind: str) -> None:
    loud = {"kind": "existing", "rules": True, "redisExporter": True}

    objects = rendered(preview("local", monitoring=loud))

    assert not objects.of_kind(kind)
    assert "redis-exporter" not in objects.of_kind("Deployment")


def test_its_image_is_the_bases_unless_the_branch_has_one() -> None:
    own = f"registry.test/worker@sha256:{'1' * 64}"

    assert preview("staging").image == STAGING["images"]["cpu"]
    assert preview("staging", wish(image=own)).image == own


def test_training_comes_on_request_with_the_bases_gpu_workers() -> None:
    config = preview("staging", wish(training=True))

    assert config.workers["training"].resources.gpu == 1
    assert plan(config, "training").max_replicas == 1
    assert "training" in config.queues


@pytest.mark.parametrize(
    ("asked", "before", "after"),
    [
        (None, True, True),
        (None, False, False),
        (None, None, False),
        (True, False, True),
        (False, True, False),
    ],
)
def test_training_stays_until_it_is_taken_back(
    *, asked: bool | None, before: bool | None, after: bool
) -> None:
    request = Request("b", timedelta(hours=1), "staging", None, training=asked)
    marks = preview("staging", wish(training=before)).preview if before is not None else None

    assert _training(request, marks) is after


def test_training_needs_a_base_with_gpus() -> None:
    def cpus_only(raw: dict[str, Any]) -> dict[str, Any]:
        return {
            key: {k: v for k, v in raw[key].items() if k not in {"gpu", "training"}}
            for key in ("nodeGroups", "queues", "workers")
        }

    changes = cpus_only(dict(base("staging").raw))

    with pytest.raises(RehearsalError, match="no worker on a node group with GPUs"):
        preview("staging", wish(training=True), **changes)


@BASES
@pytest.mark.parametrize("training", [False, True])
def test_it_breaks_no_policy_of_previews(stack: str, *, training: bool) -> None:
    objects = rendered(preview(stack, wish(training=training))).resources

    assert broken_rules(Stack(tuple(resources(NAME, objects)))) == set()


def test_it_says_whose_it_is_on_its_namespace_and_in_its_outputs() -> None:
    config = preview("local")

    marks = rendered(config).of_kind("Namespace")[NAME]["metadata"]["annotations"]

    assert marks["celery-fleet.dev/preview-branch"] == BRANCH
    assert marks["celery-fleet.dev/preview-expires-at"] == "2026-03-03T12:00:00Z"


def test_only_previews_have_a_branch_and_a_time() -> None:
    raw = preview("local").model_dump(by_alias=True)

    with pytest.raises(ValueError, match="preview is stated, but tier is 'local'"):
        FleetConfig.model_validate({**raw, "tier": "local"})


def test_a_day_costs_the_shares_of_nodes_that_its_pods_ask_for() -> None:
    each = cost(preview("staging"))

    assert each.rest_usd is not None
    # API, beat and janitor: 480 MiB of 13312, or 175 millicores of 3000, at $0.1632 an hour.
    assert each.rest_usd == pytest.approx(24 * 0.1632 * (0.1 / 3 + 0.05 / 3 + 0.025 / 3), rel=0.01)
    assert each.most_usd == pytest.approx(each.rest_usd + 24 * 0.1632 * 0.5 / 3, rel=0.01)
    assert "unknown" in str(cost(preview("staging", prices=None)))
