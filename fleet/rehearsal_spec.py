"""What the rehearsal has to stage for a stack: nodes of its node groups, its worker image."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fleet.project import Project
from infra.manifests.container import BUILT, image
from infra.manifests.deployment import NODE_GROUP_LABEL
from infra.models.cluster import NodeGroupSpec
from infra.models.fleet import FleetConfig
from rehearsal.spec import ImageSpec, NodeSpec, RehearsalSpec, Taint

# The kubelet's default limit.
_PODS_PER_NODE = "110"
# As the Dockerfile sets them.
_IMAGE_ENV = {"PYTHONUNBUFFERED": "1", "CELERY_QUIET": "true"}


def rehearsal_spec(project: Project, stacks: Mapping[str, FleetConfig]) -> RehearsalSpec:
    """Stage every given stack at once; one rehearsal is one cluster.

    It has one autoscaler too, which looks as often as the stack that asks for it most often.
    """
    images = {each for config in stacks.values() for each in image_repositories(config)}
    return RehearsalSpec(
        nodes=tuple(node for name in sorted(stacks) for node in _nodes(name, stacks[name])),
        images=tuple(_images(project, sorted(images))),
        hpa_sync_period_s=min(c.cluster.hpa_sync_period_s for c in stacks.values()),
    )


def image_repositories(config: FleetConfig) -> set[str]:
    """Where the images of a stack's pods lie; of a build it is known only once it is pushed."""
    references = {image(config, gpus) for gpus in (0, 1)}
    return {image_repository(each) for each in references if not each.startswith(BUILT)}


def image_repository(reference: str) -> str:
    """Cut tag and digest off an image; a registry's port is no tag."""
    return re.sub(r":[^/:]+$", "", reference.split("@", 1)[0])


def _nodes(stack: str, config: FleetConfig) -> Iterator[NodeSpec]:
    for group, spec in config.node_groups.items():
        for number in range(spec.nodes):
            yield _node(f"{stack}-{group}-{number}", group, spec)


def _node(name: str, group: str, spec: NodeGroupSpec) -> NodeSpec:
    gpu = {"nvidia.com/gpu": str(spec.gpu)} if spec.gpu else {}
    memory = f"{spec.memory_mib}Mi"
    return NodeSpec(
        name=name.lower().replace("_", "-"),
        capacity={"cpu": str(spec.cpu), "memory": memory, "pods": _PODS_PER_NODE, **gpu},
        labels={**spec.labels, NODE_GROUP_LABEL: group},
        taints=tuple(Taint(key=t.key, value=t.value, effect=t.effect) for t in spec.taints),
    )


def _images(project: Project, repositories: Iterable[str]) -> Iterator[ImageSpec]:
    """Run every worker image from this checkout: the code that its Dockerfile would copy."""
    for repository in repositories:
        yield ImageSpec(
            repository=repository,
            path=(Path(sys.prefix) / "bin",),
            env=_IMAGE_ENV | {"PYTHONPATH": str(project.root)},
            working_dir=project.work,
        )
