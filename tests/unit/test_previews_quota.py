"""The bounds of a preview's namespace: room for every pod that it renders, and for no more."""

from collections.abc import Iterator
from typing import Any

import pytest

from fleet.previews.forgetting import forgetting_pod
from infra.manifests.quota import limit_range, pods, resource_quota
from infra.models.fleet import FleetConfig
from infra.models.placement import mebibytes, millicores
from tests.unit.preview_stage import NAME, preview, rendered, wish
from tests.unit.recorder import imagineer, render

BASES = pytest.mark.parametrize("stack", ["local", "staging"])
READ = {"cpu": millicores, "memory": mebibytes}


def deployments(config: FleetConfig) -> dict[str, dict[str, Any]]:
    return rendered(config).of_kind("Deployment")


def containers(config: FleetConfig) -> Iterator[dict[str, Any]]:
    """Of every pod that is ever in the namespace."""
    for each in deployments(config).values():
        yield from each["spec"]["template"]["spec"]["containers"]
    yield from forgetting_pod(config)["spec"]["containers"]


@BASES
def test_every_pod_fits_twice_as_in_a_rollout_and_those_that_recreate_once(stack: str) -> None:
    config = preview(stack)
    hard = resource_quota(config)["hard"]

    for kind in ("requests", "limits"):
        for resource, read in READ.items():
            needed = 0
            for deployment in deployments(config).values():
                spec = deployment["spec"]
                copies = 1 if spec["strategy"]["type"] == "Recreate" else 2
                main = spec["template"]["spec"]["containers"]
                needed += copies * sum(read(c["resources"][kind][resource]) for c in main)
            assert read(hard[f"{kind}.{resource}"]) == needed
    assert hard["pods"] == "6"


@BASES
def test_no_container_is_above_the_limit_of_one_and_none_without_limits_is_unbounded(
    stack: str,
) -> None:
    config = preview(stack)
    (bounds,) = limit_range(config)["limits"]

    for each in containers(config):
        for resource, read in READ.items():
            assert read(each["resources"]["limits"][resource]) <= read(bounds["max"][resource])
    for resource, read in READ.items():
        asked, given = (read(bounds[key][resource]) for key in ("defaultRequest", "default"))
        assert 0 < asked <= given <= read(bounds["max"][resource])


def test_a_preview_has_gpus_only_for_training() -> None:
    gpus = "requests.nvidia.com/gpu"

    assert resource_quota(preview("staging"))["hard"][gpus] == "0"
    # The one that drains, and the one that takes its place.
    assert resource_quota(preview("staging", wish(training=True)))["hard"][gpus] == "2"


def test_nothing_in_a_preview_opens_it_to_the_world() -> None:
    hard = resource_quota(preview("staging"))["hard"]

    assert (hard["services.nodeports"], hard["services.loadbalancers"]) == ("0", "0")


def test_what_is_counted_is_every_deployment() -> None:
    config = preview("staging")

    counted = [each.spec["containers"][0]["command"] for each in pods(config)]

    found = [
        each["spec"]["template"]["spec"]["containers"][0]["command"]
        for each in deployments(config).values()
    ]
    assert sorted(counted) == sorted(found)


def test_a_preview_is_bounded_and_its_base_is_not() -> None:
    objects = rendered(preview("local"))

    assert objects.of_kind("ResourceQuota")["bounds"]["metadata"]["namespace"] == NAME
    assert objects.of_kind("LimitRange")["bounds"]["metadata"]["namespace"] == NAME
    assert not render(imagineer()).of_kind("ResourceQuota")
