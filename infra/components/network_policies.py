"""What may pass to and from the fleet's pods."""

import pulumi
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from infra import names
from infra.manifests import Manifest
from infra.manifests.labels import metadata
from infra.manifests.network_policy import allow_fleet, allowed, deny_all, fleet_egress
from infra.models.broker import BrokerAddress
from infra.models.fleet import FleetConfig


class NetworkPolicies(ComponentResource):
    """One policy that denies all, and a few that each allow a kind of connection."""

    def __init__(
        self,
        config: FleetConfig,
        namespace: Resource,
        broker: Output[BrokerAddress] | None,
        opts: ResourceOptions,
    ) -> None:
        super().__init__("celery-fleet:network:NetworkPolicies", "network-policies", None, opts)
        self._config = config
        to_broker = {**allow_fleet(config), "egress": _egress(config, broker)}
        specs = {names.ALLOW_FLEET: to_broker, **allowed(config)}
        allowing = [self._place(name, spec, [namespace]) for name, spec in specs.items()]
        # The last one made and the first to go: a fleet that runs is never without its broker.
        denying = self._place(names.DENY_ALL, deny_all(), [namespace, *allowing])
        self.needs: tuple[Resource, ...] = (denying,)
        self.register_outputs({"policies": [*specs, names.DENY_ALL]})

    def _place(self, name: str, spec: Manifest, needs: list[Resource]) -> NetworkPolicy:
        return NetworkPolicy(
            name,
            metadata=metadata(name, self._config.namespace, "network"),
            spec=spec,
            opts=ResourceOptions(parent=self, depends_on=needs),
        )


def _egress(config: FleetConfig, broker: Output[BrokerAddress] | None) -> Input[list[Manifest]]:
    if broker is None:
        return fleet_egress(config, None)
    return broker.apply(lambda address: _agreed(config, address))


def _agreed(config: FleetConfig, address: BrokerAddress) -> list[Manifest]:
    try:
        return fleet_egress(config, address)
    except ValueError as error:
        raise pulumi.RunError(str(error)) from error
