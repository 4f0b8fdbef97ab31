"""Every part of AWS that is looked at for a stack: what is read, and who judges it."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fleet.aws import account as accounts
from fleet.aws import node_checks, quotas, readers, service_checks
from fleet.aws.account import Account
from fleet.aws.finding import Finding, hint
from infra.manifests.aws.tags import STACK_TAG, fleet_tags
from infra.models.eks import EksCluster
from infra.models.elasticache import ElastiCacheBroker
from infra.models.fleet import FleetConfig
from infra.models.network import ExistingNetwork, NewNetwork


@dataclass(frozen=True)
class Subject:
    """A stack, and the account that it is to be made in."""

    stack: str
    fleet: FleetConfig
    account: Account

    @property
    def type_names(self) -> set[str]:
        groups = self.fleet.node_groups.values()
        return {group.instance_type for group in groups if group.instance_type}

    @property
    def own_tags(self) -> dict[str, str]:
        """What marks the stack's own resources, where some are there already."""
        tags = fleet_tags(self.fleet, self.stack)
        return {key: tags[key] for key in ("project", STACK_TAG)}

    def zones(self) -> list[str]:
        """Names of the zones that nodes are started in."""
        network = self.fleet.network
        if isinstance(network, ExistingNetwork):
            there = readers.subnets(self.account, network.private_subnet_ids)
            return sorted({subnet.zone for subnet in there})
        letters = network.zones if network else ()
        return [f"{self.account.region}{letter}" for letter in letters]


class Check(NamedTuple):
    """One part, by the name under which it is reported."""

    title: str
    look: Callable[[Subject], Iterable[Finding]]


def _credentials(of: Subject) -> Iterator[Finding]:
    who = accounts.identity(of.account)
    yield Finding(f"account {who.account}, {who.arn}")
    if who.asked_at is not None:
        yield hint(
            who.asked_at,
            "this endpoint was asked in place of AWS: what follows says nothing of AWS",
            "unset AWS_ENDPOINT_URL",
        )


def _region(of: Subject) -> Iterator[Finding]:
    yield from node_checks.region_findings(of.account.region, accounts.regions(of.account))


def _network(of: Subject) -> Iterator[Finding]:
    network = of.fleet.network
    if isinstance(network, NewNetwork):
        yield from node_checks.zone_findings(of.zones(), readers.zones(of.account))
        read = readers.network_readings(of.account, of.own_tags)
        nat_gateways = len(network.zones) if network.nat == "zone" else 1
        yield from quotas.room_for_network(nat_gateways, read, of.account.region)
    elif isinstance(network, ExistingNetwork):
        there = readers.subnets(of.account, network.private_subnet_ids)
        yield from node_checks.subnet_findings(network, there)


def _nodes(of: Subject) -> Iterator[Finding]:
    if not isinstance(of.fleet.cluster, EksCluster):
        return
    types = readers.instance_types(of.account, of.type_names)
    offered = readers.offered_zones(of.account, of.type_names)
    zones = of.zones()
    for name, group in of.fleet.node_groups.items():
        wanted = group.instance_type or ""
        here = offered.get(wanted, frozenset())
        yield from node_checks.type_findings(name, group, types.get(wanted), here, zones)
    yield from node_checks.update_findings(of.fleet)


def _vcpus(of: Subject) -> Iterator[Finding]:
    cluster, groups = of.fleet.cluster_name, of.fleet.node_groups
    if cluster is None:
        return
    types = readers.instance_types(of.account, of.type_names)
    read = readers.vcpu_readings(of.account, quotas.vcpu_quotas(groups), cluster)
    yield from quotas.vcpu_findings(groups, types, read, of.account.region)


def _eks(of: Subject) -> Iterator[Finding]:
    if isinstance(of.fleet.cluster, EksCluster):
        there, today = readers.kubernetes_versions(of.account), dt.datetime.now(dt.UTC).date()
        yield from service_checks.eks_findings(of.fleet.cluster, there, today)
        yield from service_checks.reach_findings(of.fleet.cluster)


def _cache(of: Subject) -> Iterator[Finding]:
    broker = of.fleet.broker
    if isinstance(broker, ElastiCacheBroker):
        yield from service_checks.cache_findings(
            broker,
            readers.cache_versions(of.account, broker.engine),
            node_type_offered=readers.cache_node_offered(of.account, broker.node_type),
        )


def _roles(of: Subject) -> Iterator[Finding]:
    yield from service_checks.role_findings(of.fleet, readers.service_roles(of.account))


def _alarms(of: Subject) -> Iterator[Finding]:
    yield from service_checks.alarm_findings(of.fleet.alarms, prod=of.fleet.tier == "prod")


GATES = (Check("credentials", _credentials), Check("region", _region))
"""Without these nothing else can be asked."""
CHECKS = (
    Check("network", _network),
    Check("nodes", _nodes),
    Check("vCPU quotas", _vcpus),
    Check("EKS", _eks),
    Check("ElastiCache", _cache),
    Check("roles", _roles),
    Check("alarms", _alarms),
)
