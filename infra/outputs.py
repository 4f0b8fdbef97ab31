"""Every stack output, named and described once."""

from dataclasses import asdict, dataclass

import pulumi

from infra import names
from infra.models.fleet import FleetConfig


@dataclass(frozen=True)
class FleetOutputs:
    """What scripts may ask a stack: `pulumi stack output`."""

    namespace: str
    """Kubernetes namespace of every object of the fleet."""
    queues: list[str]
    """Declared queues."""
    workers: dict[str, str]
    """Deployment by worker."""
    api_service: str
    """`namespace/name` of the HTTP API's Service."""

    def export(self) -> None:
        for name, value in asdict(self).items():
            pulumi.export(name, value)


def fleet_outputs(config: FleetConfig) -> FleetOutputs:
    return FleetOutputs(
        namespace=config.namespace,
        queues=sorted(config.queues),
        workers={name: names.worker_object(name) for name in config.workers},
        api_service=f"{config.namespace}/{names.API}",
    )
