"""What the rehearsal has to stage for a stack: nodes of its node groups, its images."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from fleet.project import Project
from infra import names
from infra.manifests.container import BUILT, image
from infra.manifests.deployment import NODE_GROUP_LABEL
from infra.manifests.redis_exporter import PROGRAM, redis_exporter_image
from infra.models.cluster import ExistingCluster, NodeGroupSpec
from infra.models.fleet import FleetConfig
from rehearsal.cloud.program import repository_address
from rehearsal.control_plane.credentials import Credentials
from rehearsal.layout import Layout
from rehearsal.spec import ImageSpec, NodeGroup, NodeSpec, RehearsalSpec, Taint
from rehearsal.toolchain import ensure_redis_exporter

# The kubelet's default limit.
_PODS_PER_NODE = "110"
# As the Dockerfile sets them.
_IMAGE_ENV = {"PYTHONUNBUFFERED": "1", "CELERY_QUIET": "true"}


def rehearsal_spec(
    project: Project,
    stacks: Mapping[str, FleetConfig],
    report: Callable[[str], None] = lambda _: None,
) -> RehearsalSpec:
    """Stage every given stack at once; one rehearsal is one cluster.

    It has one autoscaler too, which looks as often as the stack that asks for it most often.

    Raises:
        RehearsalError: a stack runs redis_exporter, which this machine cannot have.

    """
    workers = {each for config in stacks.values() for each in image_repositories(config)}
    on_aws = any(config.on_aws for config in stacks.values())
    # AWS's stand-in tells the nodes of a cluster that a stack makes.
    staged = {name: c for name, c in stacks.items() if isinstance(c.cluster, ExistingCluster)}
    groups = [group for name in sorted(staged) for group in _groups(name, staged[name])]
    return RehearsalSpec(
        nodes=tuple(node for group in groups for node in _fixed(group)),
        node_groups=tuple(group for group in groups if _is_elastic(group)),
        images=(
            *_worker_images(project, sorted(workers), _trust(project) if on_aws else {}),
            *_exporter_images(project, stacks.values(), _trust(project) if on_aws else {}, report),
        ),
        aws=on_aws,
        hpa_sync_period_s=min(c.cluster.hpa_sync_period_s for c in stacks.values()),
    )


def image_repositories(config: FleetConfig) -> set[str]:
    """Where a stack's worker images lie; of a build, where the account's stand-in has them."""
    references = {image(config, gpus) for gpus in (0, 1)}
    given = {image_repository(each) for each in references if not each.startswith(BUILT)}
    if len(given) == len(references) or config.region is None:
        return given
    return given | {repository_address(config.region, names.repository(config.namespace))}


def image_repository(reference: str) -> str:
    """Cut tag and digest off an image; a registry's port is no tag."""
    return re.sub(r":[^/:]+$", "", reference.split("@", 1)[0])


def group_name(stack: str, group: str) -> str:
    """Name of a stack's node group in the rehearsal; its nodes are `<name>-<number>`."""
    return f"{stack}-{group}".lower().replace("_", "-")


def _groups(stack: str, config: FleetConfig) -> Iterator[NodeGroup]:
    for group, spec in config.node_groups.items():
        yield _group(group_name(stack, group), group, spec)


def _is_elastic(group: NodeGroup) -> bool:
    return group.maximum > group.minimum


def _fixed(group: NodeGroup) -> Iterator[NodeSpec]:
    if not _is_elastic(group):
        yield from (group.node(number) for number in range(group.minimum))


def _group(name: str, group: str, spec: NodeGroupSpec) -> NodeGroup:
    gpu = {"nvidia.com/gpu": str(spec.gpu)} if spec.gpu else {}
    memory = f"{spec.memory_mib}Mi"
    return NodeGroup(
        name=name,
        minimum=spec.nodes,
        maximum=spec.max_nodes,
        launch_s=spec.launch_s,
        image_pull_s=spec.image_pull_s,
        idle_s=spec.idle_s,
        capacity={"cpu": str(spec.cpu), "memory": memory, "pods": _PODS_PER_NODE, **gpu},
        labels={**spec.labels, NODE_GROUP_LABEL: group},
        taints=tuple(Taint(key=t.key, value=t.value, effect=t.effect) for t in spec.taints),
    )


def _trust(project: Project) -> dict[str, str]:
    """The stage's authority in place of the system's own, where a broker is trusted by those."""
    authority = Credentials(Layout(project.rehearsal)).authority.certificate
    return {"SSL_CERT_FILE": str(authority)}


def _worker_images(
    project: Project, repositories: Iterable[str], trust: Mapping[str, str]
) -> Iterator[ImageSpec]:
    """Run every worker image from this checkout: the code that its Dockerfile would copy."""
    for repository in repositories:
        yield ImageSpec(
            repository=repository,
            path=(Path(sys.prefix) / "bin",),
            env={**_IMAGE_ENV, **trust, "PYTHONPATH": str(project.root)},
            working_dir=project.work,
        )


def _exporter_images(
    project: Project,
    configs: Iterable[FleetConfig],
    trust: Mapping[str, str],
    report: Callable[[str], None],
) -> Iterator[ImageSpec]:
    """Run every image of redis_exporter as this machine's one, of whatever release."""
    images = {redis_exporter_image(c) for c in configs if c.monitoring.redis_exporter}
    for repository in sorted({image_repository(each) for each in images}):
        yield ImageSpec(
            repository=repository,
            path=(),
            env=dict(trust),
            working_dir=project.work,
            programs={PROGRAM: ensure_redis_exporter(report)},
        )
