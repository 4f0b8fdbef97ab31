"""A preview's workers: of any base, as few as can serve its queues, and those of its profiles."""

from typing import Any

import pytest

from infra.manifests.deployment import worker_deployment
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import DIGEST, STAGING, base, preview, wish
from tests.unit.recorder import ROOT

STACKS = ["staging", *sorted(path.stem for path in (ROOT / "stacks").glob("*.yaml"))]
TRAINED = {"requests": {"cpu": "2", "memory": "12Gi"}, "limits": {"cpu": "3", "memory": "13Gi"}}


def queue(**stated: Any) -> dict[str, Any]:
    return {"routes": [], **stated}


def queues_of(stack: str, **more: dict[str, Any]) -> dict[str, Any]:
    return {**base(stack).raw["queues"], **more}


def served(config: FleetConfig) -> dict[str, tuple[str, ...]]:
    return {name: worker.queues for name, worker in config.workers.items()}


def profiles_of(stack: str) -> list[str]:
    return ["full", *(base(stack).raw.get("profiles") or {})]


@pytest.mark.parametrize(
    ("stack", "profile"), [(stack, each) for stack in STACKS for each in profiles_of(stack)]
)
def test_every_stack_of_the_project_can_have_a_preview(stack: str, profile: str) -> None:
    """On whichever profile it runs."""
    host = base(stack, profile=profile).config
    has_gpus = {name for name, group in host.node_groups.items() if group.gpu}
    on_gpus = {q for w in host.workers.values() if w.node_group in has_gpus for q in w.queues}

    config = preview(stack, profile=profile)

    assert set(config.queues) == set(host.queues) - on_gpus
    if on_gpus:
        trained = preview(stack, wish(training=True), profile=profile)
        assert set(trained.queues) == set(host.queues)
    for name in config.workers:
        bounds = plan(config, name)
        assert (bounds.min_replicas, bounds.max_replicas) == (0, 1)
        assert config.workers[name].concurrency <= 2


def test_a_fair_queue_has_its_bases_worker_with_two_slots_and_the_others_share_one() -> None:
    config = preview("fair_queueing")

    assert served(config) == {"tenants": ("tenants",), "preview": ("fast", "slow")}
    tenants = config.workers["tenants"]
    assert (tenants.concurrency, tenants.resources.limits.memory) == (2, "2Gi")


def test_with_nothing_but_fair_queues_there_is_no_other_worker() -> None:
    config = preview(
        "fair_queueing",
        queues={"tenants": queue(fair=True)},
        workers={},
        beat={"maintenanceQueue": "tenants"},
    )

    assert served(config) == {"tenants": ("tenants",)}
    assert config.workers["tenants"].concurrency == 1


@pytest.mark.parametrize(("cap", "slots"), [(1, 1), (2, 2), (3, 2), (None, 2)])
def test_no_queue_runs_more_tasks_at_once_than_it_can_bear(cap: int | None, slots: int) -> None:
    config = preview(
        "staging",
        queues=queues_of("staging", licence=queue(maxConcurrency=cap)),
        workers={**base("staging").raw["workers"], "licence": {"concurrency": 1}},
    )

    assert list(config.workers) == ["preview"]
    assert "licence" in config.workers["preview"].queues
    assert config.workers["preview"].concurrency == slots


def test_what_no_preview_can_serve_names_the_bases_file_and_the_profile_to_state() -> None:
    fair = {"fair": True, "routes": []}

    with pytest.raises(RehearsalError, match=r"worker preview takes a fair queue") as told:
        preview(
            "staging",
            queues=queues_of("staging", turns=fair),
            workers={**base("staging").raw["workers"], "preview": {"queues": ["turns"]}},
        )

    assert "Pulumi.staging.yaml: profile `preview`" in told.value.mend


def test_a_profile_that_disagrees_is_told_as_the_bases_and_not_as_a_file_to_correct() -> None:
    shared = {"few": {"queues": ["fast", "tenants"]}}

    with pytest.raises(RehearsalError, match="names the fair queue 'tenants' and 'fast'") as told:
        preview("fair_queueing", profiles={"preview": {"workers": shared}})

    assert "Pulumi.fair_queueing.yaml: profile `preview`" in told.value.mend
    assert "Pulumi.preview-" not in str(told.value)


def test_an_image_that_is_none_is_told_as_the_option() -> None:
    with pytest.raises(RehearsalError, match="image is 'No Image'") as told:
        preview("staging", wish(image="No Image"))

    assert "--image" in told.value.mend


def on_profile(**beat: Any) -> dict[str, Any]:
    """A base that runs on a profile, whose worker on GPUs its other workers lack."""
    trainer = {"queues": ["training"], "nodeGroup": "gpu", "resources": {**TRAINED, "gpu": 1}}
    workers = {"trainer": trainer, "rest": {"queues": ["labeling"]}}
    profile = {"workers": workers, "beat": {"maintenanceQueue": "labeling"} | beat}
    return {"profile": "gpu1", "profiles": {"gpu1": profile}}


def test_training_is_on_the_gpus_of_the_profile_that_the_base_runs_on() -> None:
    config = preview("staging", wish(training=True), **on_profile())

    assert served(config) == {"preview": ("labeling",), "trainer": ("training",)}
    trainer = config.workers["trainer"]
    assert (trainer.node_group, trainer.resources.gpu) == ("gpu", 1)
    assert trainer.resources.requests.memory == "12Gi"


def test_beat_is_the_one_of_the_profile_that_the_base_runs_on() -> None:
    """Its jobs go to a queue that is served."""
    config = preview("staging", **on_profile(diskSampleHours=48))

    assert config.beat.maintenance_queue == "labeling"
    assert config.beat.disk_sample_hours == 48


def test_a_worker_on_gpus_has_their_image_also_where_the_profile_asks_for_it() -> None:
    told = {flavour: f"registry.test/worker:r1-{flavour}@{DIGEST}" for flavour in ("cpu", "gpu")}
    profiles = {"preview": on_profile()["profiles"]["gpu1"]}

    config = preview("staging", told={**STAGING, "images": told}, profiles=profiles)

    images = {
        name: worker_deployment(config, name)["template"]["spec"]["containers"][0]["image"]
        for name in config.workers
    }
    assert images == {"trainer": told["gpu"], "rest": told["cpu"]}


def test_training_adds_no_second_worker_to_a_queue_that_the_profile_serves() -> None:
    profiles = {"preview": on_profile()["profiles"]["gpu1"]}

    config = preview("staging", wish(training=True), profiles=profiles)

    assert served(config) == {"trainer": ("training",), "rest": ("labeling",)}


@pytest.mark.parametrize("stated", [{}, {"queues": []}])
@pytest.mark.parametrize("name", ["web_scrape", "web.scrape"])
def test_a_profiles_worker_without_queues_has_the_one_of_its_name(
    name: str, stated: dict[str, Any]
) -> None:
    """As of the base's own workers; a worker's name holds neither underscores nor dots."""
    workers = {"default": stated, "web-scrape": stated, "rest": {"queues": ["labeling"]}}
    changes: dict[str, Any] = {
        "queues": queues_of("staging", **{name: queue()}),
        "profiles": {"preview": {"workers": workers}},
    }
    expected = {"default": ("default",), "web-scrape": (name,), "rest": ("labeling",)}

    assert served(preview("staging", **changes)) == expected
    assert served(base("staging", profile="preview", **changes).config) == expected
