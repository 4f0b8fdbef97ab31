"""Which images the API server lets into the fleet's pods, and from when on."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.aws_stage import Rendered, changed, rendered, stack
from tests.unit.recorder import Recorder, imagineer, render

POLICY = "ValidatingAdmissionPolicy"
BINDING = f"{POLICY}Binding"
EXPORTER = {"kind": "existing", "redisExporter": True}
DIGEST = f"@sha256:{'a' * 64}"
REPOSITORY = "registry.test/worker"


def allowed(policy: dict[str, Any]) -> str:
    """The expression that gives a pod's images."""
    (found,) = (v for v in policy["spec"]["variables"] if v["name"] == "allowed")
    text: str = found["expression"]
    return text


def lists(policy: dict[str, Any]) -> dict[str, list[str]]:
    """Images by component; of all others under the empty name."""
    *own, others = allowed(policy).split(" : ")
    found = {"": json.loads(others)}
    for part in own:
        matched = re.fullmatch(r"variables\.component == '(.+)' \? (\[.+])", part)
        assert matched, part
        found[matched[1]] = json.loads(matched[2])
    return found


def images(deployments: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Component and image of each pod."""
    for deployment in deployments.values():
        template = deployment["spec"]["template"]
        (main,) = template["spec"]["containers"]
        yield template["metadata"]["labels"]["app.kubernetes.io/component"], main["image"]


def inputs(found: Rendered, kind: str) -> dict[str, dict[str, Any]]:
    return {name: each.inputs for name, each in found.of(kind).items()}


def of_local() -> Recorder:
    return render(imagineer(monitoring=EXPORTER, admission={"alsoImages": ["tools:1"]}))


BUILD = {"build": {"revision": "4f2a9c1", "gpuBaseImage": f"{REPOSITORY}{DIGEST}"}}
GIVEN = {flavour: f"{REPOSITORY}:4f2a9c1-{flavour}{DIGEST}" for flavour in ("cpu", "gpu")}


@pytest.mark.parametrize("image", [None, BUILD, GIVEN, f"{REPOSITORY}{DIGEST}"])
def test_the_policy_names_the_images_of_the_stacks_pods_and_no_other(image: Any) -> None:
    found = rendered(changed("prod", image=image)) if image else stack("prod")

    named = lists(inputs(found, POLICY)["images"])
    used = set(images(inputs(found, "Deployment")))
    exporter = {image for component, image in used if component == "redis-exporter"}
    assert set(named.pop("redis-exporter")) == exporter
    assert set(named.pop("")) == {image for _, image in used} - exporter
    assert named == {}


def test_an_image_is_named_by_the_digest_that_its_build_has_brought() -> None:
    found = stack("prod")

    (built,) = lists(inputs(found, POLICY)["images"])[""]
    assert built == f"registry.test/worker-cpu@sha256:{'0' * 64}"


def test_a_new_image_is_known_before_any_pod_of_it_is_asked_for() -> None:
    found = stack("prod")
    policy, binding = found.of(POLICY)["images"], found.of(BINDING)["images"]

    assert found.of("Image")["worker-cpu"].urn in found.before(policy.urn)
    assert policy.urn in found.before(binding.urn)
    for name, deployment in found.of("Deployment").items():
        assert binding.urn in found.before(deployment.urn), name


def test_images_of_a_stack_by_tag_are_compared_as_they_are_written() -> None:
    policy = of_local().of_kind(POLICY)["celery-fleet-local-images"]

    assert lists(policy)[""] == ["celery-fleet/worker:local", "tools:1"]
    assert lists(policy)["redis-exporter"][1:] == ["tools:1"]


def test_the_policy_is_of_this_fleets_namespace_alone() -> None:
    found = of_local()

    policy = found.of_kind(POLICY)["celery-fleet-local-images"]["spec"]
    names = {"kubernetes.io/metadata.name": "celery-fleet-local"}
    assert policy["matchConstraints"]["namespaceSelector"] == {"matchLabels": names}
    assert policy["failurePolicy"] == "Fail"
    (binding,) = found.of_kind(BINDING).values()
    assert binding["metadata"]["name"] == "celery-fleet-local-images"
    assert binding["spec"]["policyName"] == "celery-fleet-local-images"
    assert binding["spec"]["validationActions"] == ["Deny"]


def test_a_cluster_without_such_policies_gets_none_and_nothing_waits_for_one() -> None:
    found = render(imagineer(admission={"images": False}))

    assert found.of_kind(POLICY) == found.of_kind(BINDING) == {}
    assert set(found.of_kind("Deployment")) == set(of_local().of_kind("Deployment")) - {
        "redis-exporter"
    }


@pytest.mark.parametrize(
    "given", [{"alsoImages": ["no image"]}, {"image": True}, {"alsoImages": ["x']; true"]}]
)
def test_what_is_no_image_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="admission"):
        imagineer(admission=given)
