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
def test_every_pod_fits_twice_as_in_a_rollout_those_of_workers_also_while_three_drain(
    stack: str,
) -> None:
    config = preview(stack)

    needed = 0
    for name, deployment in deployments(config).items():
        copies = 1 if deployment["spec"]["strategy"]["type"] == "Recreate" else 2
        needed += 4 if name.startswith("worker-") else copies

    assert resource_quota(config)["hard"]["pods"] == str(needed) == "8"


def test_what_drains_of_a_larger_stack_uses_up_no_sum_of_a_smaller_one() -> None:
    """A pod counts until it is gone: only of what no other pod asks for may there be a sum."""
    hard = set(resource_quota(preview("staging", wish(training=True)))["hard"])

    assert {key for key in hard if key.endswith(("cpu", "memory"))} == set()


@BASES
def test_no_pod_is_above_the_limit_of_one_and_none_without_limits_is_unbounded(
    stack: str,
) -> None:
    config = preview(stack)
    bounds, of_pod = limit_range(config)["limits"]

    assert (of_pod["type"], of_pod["max"]) == ("Pod", bounds["max"])
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
