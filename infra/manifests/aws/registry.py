"""The image repository: what it keeps, and how the two flavours of one commit are built."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from infra.manifests.aws.node_group import architecture
from infra.models.cluster import NodeGroupSpec
from infra.models.fleet import FleetConfig
from infra.models.image import ImageBuild

_KEPT_IMAGES = 30
_UNTAGGED_DAYS = 7
_REVISION_LABEL = "org.opencontainers.image.revision"


def lifecycle_policy() -> str:
    """Old images go; a fleet rolled back further than this has to be built again."""
    return json.dumps(
        {
            "rules": [
                _rule(1, "layers of no image", "untagged", "sinceImagePushed", _UNTAGGED_DAYS),
                _rule(2, "all but the newest", "any", "imageCountMoreThan", _KEPT_IMAGES),
            ]
        }
    )


def flavours(config: FleetConfig, build: ImageBuild) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and build arguments of each image, but for its repository.

    Both are of one revision, which is in their tags and labels; each is built for the processors
    of the nodes that it runs on.
    """
    groups = config.node_groups.values()
    on_gpus = [group for group in groups if group.gpu]
    if build.gpu_base_image is None:
        yield "cpu", _build(build, groups, {})
        return
    yield "cpu", _build(build, [g for g in groups if not g.gpu], {})
    if on_gpus:
        base = {"PYTHON_IMAGE": build.gpu_base_image}
        yield "gpu", _build(build, on_gpus, base)


def tag(build: ImageBuild, flavour: str) -> str:
    return f"{build.revision}-{flavour}"


def _build(
    build: ImageBuild, groups: Iterable[NodeGroupSpec], args: dict[str, str]
) -> dict[str, Any]:
    platforms = sorted({f"linux/{architecture(group.instance_type or '')}" for group in groups})
    return {
        "context": {"location": ".."},
        "dockerfile": {"location": "../worker_image/Dockerfile"},
        "platforms": platforms,
        "build_args": args,
        "labels": {_REVISION_LABEL: build.revision},
        "push": True,
        # A preview says what would be built; it takes minutes to find out that it can be.
        "build_on_preview": False,
    }


def _rule(priority: int, told: str, status: str, count: str, number: int) -> dict[str, Any]:
    unit = {"countUnit": "days"} if count == "sinceImagePushed" else {}
    return {
        "rulePriority": priority,
        "description": told,
        "selection": {"tagStatus": status, "countType": count, "countNumber": number, **unit},
        "action": {"type": "expire"},
    }
