"""Builds a branch's worker image into the repository of the stack that its preview lives beside."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import boto3
import botocore

from fleet import stack_config
from infra import names
from infra.image_packages import image_packages
from infra.manifests.aws.node_group import architecture
from infra.manifests.aws.registry import PREVIEW_PREFIX
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError


def reference(folder: Path, stack: str, revision: str) -> str:
    """Return the image of this commit by digest, having built and pushed it if it is not there.

    Raises:
        RehearsalError: where the stack has no repository of its own, or Docker or AWS refuses.

    """
    fleet = stack_config.read(folder / f"Pulumi.{stack}.yaml")
    if fleet.region is None or not fleet.on_aws:
        raise RehearsalError(
            what=f"stack {stack} has no image repository",
            why="it owns nothing on AWS",
            mend="name a stack on AWS, or give `fleet preview up` an image that is already there",
        )
    repository = names.repository(fleet.namespace)
    try:
        url, digest = _look(repository, fleet.region, f"{PREVIEW_PREFIX}{revision}")
    except botocore.exceptions.ClientError as error:
        raise RehearsalError(
            what=f"image repository {repository} cannot be read",
            why=str(error),
            mend=f"bring stack {stack} up first; the role needs ecr:DescribeRepositories and "
            "ecr:DescribeImages",
        ) from error
    return (
        f"{url}@{digest or _build(folder, f'{url}:{PREVIEW_PREFIX}{revision}', platforms(fleet))}"
    )


def platforms(fleet: FleetConfig) -> list[str]:
    """Those of the nodes that a preview without a GPU runs on."""
    groups = [group for group in fleet.node_groups.values() if not group.gpu]
    return sorted({f"linux/{architecture(group.instance_type or '')}" for group in groups})


def _look(repository: str, region: str, tag: str) -> tuple[str, str | None]:
    """The repository's URL, and the image's digest if it is there: its tags never move."""
    client = boto3.client("ecr", region)
    found = client.describe_repositories(repositoryNames=[repository])
    url = str(found["repositories"][0]["repositoryUri"])
    try:
        images = client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except client.exceptions.ImageNotFoundException:
        return url, None
    return url, str(images["imageDetails"][0]["imageDigest"])


def _build(folder: Path, tagged: str, wanted: Sequence[str]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch) / "metadata.json"
        code = subprocess.run(
            [
                *("docker", "buildx", "build", "--push", "--target", "cpu", "--tag", tagged),
                *("--file", "worker_image/Dockerfile", "--platform", ",".join(wanted)),
                *("--build-arg", f"PACKAGES={image_packages()['cpu']}"),
                *("--metadata-file", str(told), "."),
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            # What this command prints on stdout is the reference alone.
            stdout=2,
            check=False,
        ).returncode
        if code:
            raise RehearsalError(
                what=f"{tagged} was not built",
                why=f"`docker buildx build` ended with {code}; its own lines, above, say why",
                mend="`.ci/builder REGION` makes a builder for other processors and signs in",
            )
        return str(json.loads(told.read_text())["containerimage.digest"])
