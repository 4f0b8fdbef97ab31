"""One commit for the whole fleet: flavours are built together, or shown to be of one."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from infra.manifests.aws.registry import lifecycle_policy
from infra.models.image import BASE_PYTHON, ImageSource
from infra.names import REDIS_EXPORTER
from tests.unit.aws_stage import ROOT, changed, opened, rendered, stack
from tests.unit.recorder import imagineer

REPOSITORY = "registry.test/team/worker"
DIGEST = "@sha256:" + "a" * 64


def source(**keys: Any) -> ImageSource:
    return ImageSource.model_validate(keys)


def images(found: Any) -> dict[str, str]:
    """Images of the pods that run the fleet's own code."""
    return {
        name: opened(r.inputs["spec"]["template"]["spec"]["containers"][0]["image"])
        for name, r in found.of("Deployment").items()
        if name != REDIS_EXPORTER
    }


def test_one_build_serves_all_nodes_processors() -> None:
    found = stack("prod")

    built = found.of("Image")
    assert set(built) == {"worker-cpu"}
    # m7g and g6.
    assert built["worker-cpu"].inputs["platforms"] == ["linux/amd64", "linux/arm64"]
    assert set(images(found).values()) == {f"registry.test/worker-cpu@sha256:{'0' * 64}"}


def test_two_flavours_are_built_of_one_revision_and_reach_their_own_pods() -> None:
    build = {"revision": "4f2a9c1", "gpuBaseImage": f"{REPOSITORY}{DIGEST}"}
    found = rendered(changed("prod", image={"build": build}))

    built = {name: r.inputs for name, r in found.of("Image").items()}
    assert {name: b["tags"] for name, b in built.items()} == {
        "worker-cpu": ["registry.test/imagineer-prod/worker:4f2a9c1-cpu"],
        "worker-gpu": ["registry.test/imagineer-prod/worker:4f2a9c1-gpu"],
    }
    assert {tuple(b["labels"].values()) for b in built.values()} == {("4f2a9c1",)}
    assert built["worker-cpu"]["platforms"] == ["linux/arm64"]
    assert built["worker-gpu"]["platforms"] == ["linux/amd64"]
    assert {name: b["target"] for name, b in built.items()} == {
        "worker-cpu": "cpu",
        "worker-gpu": "gpu",
    }
    assert built["worker-gpu"]["buildArgs"]["BASE"] == f"{REPOSITORY}{DIGEST}"
    assert "BASE" not in built["worker-cpu"]["buildArgs"]
    used = images(found)
    assert "worker-gpu@" in used.pop("worker-training")
    assert all("worker-cpu@" in image for image in used.values())


def test_a_build_is_told_all_that_the_dockerfile_asks_and_nothing_else() -> None:
    build = {"revision": "4f2a9c1", "gpuBaseImage": f"{REPOSITORY}{DIGEST}"}
    dockerfile = (ROOT / "worker_image/Dockerfile").read_text()
    optional = set(re.findall(r"^ARG (\w+)=", dockerfile, re.MULTILINE)) | {
        *("PIP_NO_INDEX", "PIP_FIND_LINKS")
    }
    asked = set(re.findall(r"^ARG (\w+)$", dockerfile, re.MULTILINE)) - optional

    for image in rendered(changed("prod", image={"build": build})).of("Image").values():
        told = set(image.inputs["buildArgs"])
        assert asked <= told <= asked | optional
        assert f" AS {image.inputs['target']}\n" in dockerfile


def test_each_flavour_is_held_to_the_packages_of_its_locks() -> None:
    build = {"revision": "4f2a9c1", "gpuBaseImage": f"{REPOSITORY}{DIGEST}"}
    found = rendered(changed("prod", image={"build": build})).of("Image")
    told = {name: image.inputs["buildArgs"]["PACKAGES"].split() for name, image in found.items()}

    assert any(pin.startswith("celery==") for pin in told["worker-cpu"])
    assert set(told["worker-cpu"]) < set(told["worker-gpu"])
    assert f"worker_image.sbom {BASE_PYTHON} " in (ROOT / "worker_image/Dockerfile").read_text()


def test_tags_never_move_and_pushes_are_scanned() -> None:
    repository = stack("prod").one("Repository").inputs

    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"][0]["encryptionType"] == "KMS"
    assert len(stack("prod").of("LifecyclePolicy")) == 1


def test_given_flavours_reach_their_own_pods_and_nothing_is_built() -> None:
    given = {f: f"{REPOSITORY}:4f2a9c1-{f}{DIGEST}" for f in ("cpu", "gpu")}
    found = rendered(changed("prod", image=given))

    assert found.of("Image") == found.of("Repository") == {}
    used = images(found)
    assert used.pop("worker-training") == given["gpu"]
    assert set(used.values()) == {given["cpu"]}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            {"cpu": f"{REPOSITORY}:1-cpu", "gpu": f"{REPOSITORY}:2-gpu"},
            "cpu is of commit 1, gpu of 2: one fleet would run two versions",
        ),
        (
            {"cpu": f"{REPOSITORY}:1-gpu", "gpu": f"{REPOSITORY}:1-cpu"},
            "its tag must be <commit>-cpu",
        ),
        ({"cpu": f"{REPOSITORY}:1-cpu"}, "state build, or cpu and gpu together"),
        ({"cpu": REPOSITORY, "gpu": REPOSITORY}, "its tag must be <commit>-cpu"),
        ({}, "state build, or cpu and gpu together"),
        (
            {"build": {"revision": "1"}, "cpu": f"{REPOSITORY}:1-cpu"},
            "state build, or cpu and gpu together",
        ),
    ],
)
def test_flavours_of_two_commits_are_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        source(**keys)

    assert told in str(refused.value)


def test_a_build_of_a_stack_without_a_repository_is_refused() -> None:
    with pytest.raises(ValidationError) as refused:
        imagineer(image={"build": {"revision": "4f2a9c1"}})

    assert "image.build.revision is '4f2a9c1'" in str(refused.value)
    assert "no repository that the image could be pushed to" in str(refused.value)


def test_images_of_previews_never_push_the_stacks_own_out_of_its_repository() -> None:
    rules = json.loads(lifecycle_policy())["rules"]
    by_status = {rule["selection"]["tagStatus"]: rule for rule in rules}
    previews, every = by_status["tagged"], by_status["any"]

    assert previews["selection"]["tagPrefixList"] == ["preview-"]
    # AWS wants the rule about any image last, and counts in it those of the rules before.
    assert every["rulePriority"] == max(rule["rulePriority"] for rule in rules)
    kept = every["selection"]["countNumber"] - previews["selection"]["countNumber"]
    assert kept == 30
