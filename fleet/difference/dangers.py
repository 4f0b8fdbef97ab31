"""What a change would take away that holds data, and cannot be had back."""

from collections.abc import Iterable, Iterator, Mapping

from fleet.difference.preview import Step

# What is lost with each kind of resource.
_HOLDS: Mapping[str, str] = {
    "kubernetes:core/v1:Namespace": "every pod, setting and claim in it goes",
    "kubernetes:core/v1:PersistentVolumeClaim": (
        "the fleet's shared data goes: datasets, scrapes, checkpoints"
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "the broker goes, with every waiting message, result and schedule"
    ),
    "aws:efs/fileSystem:FileSystem": (
        "the fleet's shared data goes: datasets, scrapes, checkpoints"
    ),
    "aws:eks/cluster:Cluster": "the cluster goes, with everything that runs in it",
    "aws:kms/key:Key": "what it has encrypted cannot be read any more",
    "aws:ecr/repository:Repository": "its images go",
}


def dangers(steps: Iterable[Step]) -> Iterator[str]:
    """Say which of the changes lose data, in sentences."""
    for step in steps:
        lost = _HOLDS.get(step.kind)
        if lost is not None and step.op in {"replace", "delete"}:
            yield f"{step.short_kind} {step.name} is {_done(step)}: {lost}"


def _done(step: Step) -> str:
    if step.op == "delete":
        return "DELETED"
    by = ", ".join(step.forcing)
    return f"REPLACED ({by})" if by else "REPLACED"
