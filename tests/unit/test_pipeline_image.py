"""A branch's image is built once, for the nodes that it runs on, and named by digest.

`docker` is a stand-in, and so is AWS.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from fleet import stack_config
from fleet.pipeline import image
from infra.image_packages import image_packages
from rehearsal.errors import RehearsalError
from tests.unit.recorder import ROOT
from tests.unit.stand_ins import stand_in

REPOSITORY = "imagineer-staging/worker"
URL = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DIGEST = f"sha256:{'1f' * 32}"
BUILT = {"files": {"--metadata-file": json.dumps({"containerimage.digest": DIGEST})}}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stand-in of AWS with staging's repository."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    with mock_aws():
        boto3.client("ecr", "us-east-1").create_repository(repositoryName=REPOSITORY)
        yield


def test_the_image_is_built_for_staging_s_nodes_and_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = stand_in("docker", tmp_path, monkeypatch, BUILT)

    assert image.reference(ROOT, "staging", "0123abc") == f"{URL}@{DIGEST}"

    (call,) = docker.calls
    args = call["args"]
    assert args[:3] == ["buildx", "build", "--push"]
    assert args[args.index("--platform") + 1] == "linux/arm64"
    assert args[args.index("--tag") + 1] == f"{URL}:preview-0123abc"
    # Without it the build ends in its own check of what it is made of.
    assert args[args.index("--build-arg") + 1] == f"PACKAGES={image_packages()['cpu']}"


def test_an_image_that_is_there_is_not_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = stand_in("docker", tmp_path, monkeypatch, BUILT)
    put = boto3.client("ecr", "us-east-1").put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps({"schemaVersion": 2, "mediaType": MANIFEST}),
        imageTag="preview-0123abc",
    )

    found = image.reference(ROOT, "staging", "0123abc")

    assert found == f"{URL}@{put['image']['imageId']['imageDigest']}"
    assert not docker.calls


def test_a_failed_build_and_a_missing_repository_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("docker", tmp_path, monkeypatch, {"code": 17})

    with pytest.raises(RehearsalError, match=r"preview-0123abc was not built[^!]*ended with 17"):
        image.reference(ROOT, "staging", "0123abc")
    with pytest.raises(RehearsalError, match="imagineer-prod/worker cannot be read"):
        image.reference(ROOT, "prod", "0123abc")


def test_a_stack_without_a_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.local.yaml").write_text((ROOT / "stacks/imagineer.yaml").read_text())

    with pytest.raises(RehearsalError, match="stack local has no image repository"):
        image.reference(tmp_path, "local", "0123abc")


def test_only_nodes_without_a_gpu_decide_the_processor() -> None:
    fleet = stack_config.read(ROOT / "Pulumi.prod.yaml")

    assert {group.gpu for group in fleet.node_groups.values()} == {0, 1}
    assert image.platforms(fleet) == ["linux/arm64"]
