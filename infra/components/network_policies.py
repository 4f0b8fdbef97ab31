"""What may pass to and from the fleet's pods."""

from collections.abc import Callable
from functools import partial

import pulumi
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from infra import names
from infra.manifests import Manifest
from infra.manifests.labels import metadata
from infra.manifests.network_policy import (
    allow_fleet,
    allowed,
    deny_all,
    fleet_egress,
    guest_egress,
    guest_policy,
)
from infra.models.broker import BrokerAddress
from infra.models.fleet import FleetConfig
from infra.models.tier import TIERS


class NetworkPolicies(ComponentResource):
    """One policy that denies all, few that each allow a kind of connection; a guest's are one."""

    def __init__(
        self,
        config: FleetConfig,
        namespace: Resource,
        broker: Output[BrokerAddress] | None,
        opts: ResourceOptions,
    ) -> None:
        super().__init__("celery-fleet:network:NetworkPolicies", "network-policies", None, opts)
        self._config = config
        guest = TIERS[config.tier].guest
        rules = partial(_rules, guest_egress if guest else fleet_egress, config)
        egress = rules(None) if broker is None else broker.apply(rules)
        placed = self._one if guest else self._several
        self.needs: tuple[Resource, ...] = (placed(namespace, egress),)
        self.register_outputs({})

    def _one(self, namespace: Resource, egress: Input[list[Manifest]]) -> NetworkPolicy:
        spec = {**guest_policy(self._config), "egress": egress}
        return self._place(names.DENY_ALL, spec, [namespace])

    def _several(self, namespace: Resource, egress: Input[list[Manifest]]) -> NetworkPolicy:
        to_broker = {**allow_fleet(self._config), "egress": egress}
        specs = {names.ALLOW_FLEET: to_broker, **allowed(self._config)}
        allowing = [self._place(name, spec, [namespace]) for name, spec in specs.items()]
        # The last one made and the first to go: a fleet that runs is never without its broker.
        return self._place(names.DENY_ALL, deny_all(), [namespace, *allowing])

    def _place(self, name: str, spec: Manifest, needs: list[Resource]) -> NetworkPolicy:
        return NetworkPolicy(
            name,
            metadata=metadata(name, self._config.namespace, "network"),
            spec=spec,
            opts=ResourceOptions(parent=self, depends_on=needs),
        )


def _rules(
    told: Callable[[FleetConfig, BrokerAddress | None], list[Manifest]],
    config: FleetConfig,
    address: BrokerAddress | None,
) -> list[Manifest]:
    try:
        return told(config, address)
    except ValueError as error:
        raise pulumi.RunError(str(error)) from error
