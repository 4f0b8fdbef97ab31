"""Whether a stack would share keys or objects with another stack file of the same checkout.

A stack file alone cannot tell: one broker may serve many stacks, and one cluster too.
"""

from collections.abc import Iterator
from pathlib import Path

from fleet.project import Project
from fleet.stack_file import template_of
from infra.config import ConfigError, load_file
from infra.models.broker import ConnectionSecret, ExistingBroker
from infra.models.cluster import ExistingCluster
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError


def check(project: Project, stack: str, config: FleetConfig) -> None:
    """Refuse what two stack files both claim.

    A neighbour that is itself refused is told when its own turn comes.

    Raises:
        RehearsalError: naming both files, the key and the value they share.

    """
    own = project.stack_file(stack)
    for path in sorted(project.root.glob("Pulumi.*.yaml")):
        if path == own or (other := _read(path)) is None:
            continue
        for problem in _shared(config, other):
            raise RehearsalError(
                what=f"{own.name} and {path.name} {problem}",
                why="the workers of each would take, count and give back the other's messages",
                mend=f"state another one in {own.name}, or remove {path.name} if nothing uses it",
                where=own,
            )


def check_template(project: Project, stack: str) -> None:
    """Refuse a stack before its file is made, which would then stand in the others' way.

    Raises:
        RehearsalError: as `check` does.

    """
    template = template_of(project, stack)
    made = project.stack_file(stack).is_file()
    if not made and template.is_file() and (config := _read(template)) is not None:
        check(project, stack, config)


def _shared(one: FleetConfig, other: FleetConfig) -> Iterator[str]:
    """What both state, in the files' words; a broker that a stack makes itself is its own."""
    if _cluster(one) != _cluster(other):
        return
    if one.namespace == other.namespace:
        yield f"both state celery-fleet:namespace {one.namespace}"
    found, theirs = _found_broker(one), _found_broker(other)
    if found and found == theirs and one.broker.key_prefix == other.broker.key_prefix:
        yield (
            f"state the same broker ({found.namespace}/{found.name}) and broker.keyPrefix "
            f"{one.broker.key_prefix!r}"
        )


def _cluster(config: FleetConfig) -> tuple[str | None, ...]:
    """What tells one cluster from another, as far as files can tell."""
    if isinstance(config.cluster, ExistingCluster):
        return ("existing", config.cluster.context)
    return ("eks", config.region, config.cluster_name)


def _found_broker(config: FleetConfig) -> ConnectionSecret | None:
    broker = config.broker
    return broker.connection_secret if isinstance(broker, ExistingBroker) else None


def _read(path: Path) -> FleetConfig | None:
    try:
        return load_file(path)
    except ConfigError:
        return None
