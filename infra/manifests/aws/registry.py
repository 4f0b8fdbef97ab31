"""The image repository: what it keeps, and how the two flavours of one commit are built."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.manifests.aws.node_group import architecture
from infra.models.cluster import NodeGroupSpec
from infra.models.fleet import FleetConfig
from infra.models.image import ImageBuild

PREVIEW_PREFIX = "preview-"
"""Of the tags of branches' images, which lie beside the stack's own."""
_KEPT_PREVIEWS = 20
# Of all that is there: as many of the stack's own, and the previews'.
_KEPT_IMAGES = 30 + _KEPT_PREVIEWS
_UNTAGGED_DAYS = 7
_REVISION_LABEL = "org.opencontainers.image.revision"


def lifecycle_policy() -> str:
    """Old images go; a fleet rolled back further than this has to be built again.

    Previews' images go first, so that many pushes to branches never take the one that runs.
    """
    return json.dumps(
        {
            "rules": [
                _rule(1, "layers of no image", "untagged", "sinceImagePushed", _UNTAGGED_DAYS),
                _rule(2, "old previews", "tagged", "imageCountMoreThan", _KEPT_PREVIEWS),
                _rule(3, "all but the newest", "any", "imageCountMoreThan", _KEPT_IMAGES),
            ]
        }
    )


def flavours(
    config: FleetConfig, build: ImageBuild, packages: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and build arguments of each image, but for its repository.

    Both are of one revision, which is in their tags and labels; each is built for the processors
    of the nodes that it runs on. A build fails that is not made of its flavour's `packages`.
    """
    groups = config.node_groups.values()
    on_gpus = [group for group in groups if group.gpu]
    made_of = {flavour: {"PACKAGES": pins} for flavour, pins in packages.items()}
    if build.gpu_base_image is None:
        yield "cpu", _build("cpu", build, groups, made_of["cpu"])
        return
    yield "cpu", _build("cpu", build, [g for g in groups if not g.gpu], made_of["cpu"])
    if on_gpus:
        base = {"BASE": build.gpu_base_image, **made_of["gpu"]}
        yield "gpu", _build("gpu", build, on_gpus, base)


def tag(build: ImageBuild, flavour: str) -> str:
    return f"{build.revision}-{flavour}"


def _build(
    flavour: str, build: ImageBuild, groups: Iterable[NodeGroupSpec], args: dict[str, str]
) -> dict[str, Any]:
    platforms = sorted({f"linux/{architecture(group.instance_type or '')}" for group in groups})
    return {
        "context": {"location": ".."},
        "dockerfile": {"location": "../worker_image/Dockerfile"},
        "target": flavour,
        "platforms": platforms,
        "build_args": args,
        "labels": {_REVISION_LABEL: build.revision},
        "push": True,
        # A preview says what would be built; it takes minutes to find out that it can be.
        "build_on_preview": False,
    }


def _rule(priority: int, told: str, status: str, count: str, number: int) -> dict[str, Any]:
    unit = {"countUnit": "days"} if count == "sinceImagePushed" else {}
    prefix = {"tagPrefixList": [PREVIEW_PREFIX]} if status == "tagged" else {}
    return {
        "rulePriority": priority,
        "description": told,
        "selection": {
            "tagStatus": status,
            "countType": count,
            "countNumber": number,
            **unit,
            **prefix,
        },
        "action": {"type": "expire"},
    }
