"""The rules between the parts of a stack on AWS; each problem names key, value, limit, reason."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from infra import names
from infra.models.eks import EksCluster
from infra.models.elasticache import ElastiCacheBroker
from infra.models.guest_broker import GuestBroker
from infra.models.image import ImageSource
from infra.models.network import NewNetwork, overlapping, pod_addresses

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig

# Network interfaces of an xlarge times addresses of each: what the VPC CNI may hold on a node.
_ADDRESSES_PER_NODE = 60
_WORLD = 0


def aws_problems(fleet: "FleetConfig") -> Iterator[str]:
    """Every disagreement of a stack that owns something on AWS, or would have to."""
    if not fleet.on_aws:
        yield from _buildable(fleet)
        if isinstance(fleet.broker, GuestBroker):
            yield from names.cache_user_problems(fleet.namespace, names.GUEST_USERS)
        return
    if fleet.region is None:
        yield "aws:region is missing: the cluster, its zones and the broker are of one region"
    yield from _reachable(fleet)
    yield from _network(fleet)
    yield from _cluster(fleet)
    yield from _image(fleet)
    yield from names.aws_name_problems(fleet.namespace, fleet.cluster_name)


def _buildable(fleet: "FleetConfig") -> Iterator[str]:
    if isinstance(fleet.image, ImageSource) and fleet.image.build is not None:
        yield (
            f"image.build.revision is {fleet.image.build.revision!r}, but cluster.kind and "
            "broker.kind are existing: such a stack owns nothing on AWS, and so no repository that "
            "the image could be pushed to; give image by digest (@sha256:...), or as cpu and gpu"
        )


def _reachable(fleet: "FleetConfig") -> Iterator[str]:
    broker = fleet.broker
    if not isinstance(broker, ElastiCacheBroker):
        return
    if fleet.network is None:
        yield (
            "network is missing: broker.kind elasticache beside an existing cluster needs that "
            "cluster's VPC, as network: {kind: existing, vpcId, privateSubnetIds}"
        )
    elif isinstance(fleet.network, NewNetwork) and not isinstance(fleet.cluster, EksCluster):
        yield (
            "network.kind is 'new', but cluster.kind is 'existing': its nodes could not reach a "
            "broker in a VPC of its own; name the cluster's VPC"
        )
    if not isinstance(fleet.cluster, EksCluster) and not broker.client_security_group_ids:
        yield (
            "broker.clientSecurityGroupIds is empty: nodes of an existing cluster could not reach "
            "the broker"
        )


def _network(fleet: "FleetConfig") -> Iterator[str]:
    network = fleet.network
    if not isinstance(network, NewNetwork):
        return
    nodes = sum(group.max_nodes for group in fleet.node_groups.values())
    needed, found = nodes * _ADDRESSES_PER_NODE, pod_addresses(network)
    if needed > found:
        yield (
            f"network.cidr {network.cidr} is too small: its private subnets have {found} "
            f"addresses, and the {nodes} nodes of all groups at maxNodes take up to {needed} with "
            f"their pods ({_ADDRESSES_PER_NODE} a node)"
        )
    if not isinstance(fleet.cluster, EksCluster):
        return
    services = fleet.cluster.service_cidr
    if shared := overlapping(services, (network.cidr, *network.peer_cidrs)):
        yield (
            f"cluster.serviceCidr {services} overlaps {', '.join(shared)}: pods could not tell "
            "Services from hosts there"
        )


def _cluster(fleet: "FleetConfig") -> Iterator[str]:
    cluster = fleet.cluster
    if not isinstance(cluster, EksCluster):
        return
    for name, group in fleet.node_groups.items():
        if group.instance_type is None:
            yield f"nodeGroups.{name}.instanceType is missing: EKS starts its nodes from it"
    if all(group.taints or not group.nodes for group in fleet.node_groups.values()):
        yield (
            "nodeGroups: none has nodes at rest without taints: KEDA, CoreDNS and the node "
            "autoscaler would have no place, and no node would ever be added"
        )
    for cidr in cluster.public_access_cidrs:
        if fleet.tier == "prod" and IPv4Network(cidr).prefixlen == _WORLD:
            yield (
                f"cluster.publicAccessCidrs has {cidr}: in prod the API server is not open to the "
                "whole internet; state where `pulumi up` runs"
            )


def _image(fleet: "FleetConfig") -> Iterator[str]:
    if fleet.tier != "prod" or isinstance(fleet.image, ImageSource):
        return
    if "@sha256:" not in fleet.image:
        yield (
            f"image is {fleet.image!r}: in prod it is given by digest (@sha256:...), or pods of "
            "one Deployment could run different contents of one tag"
        )
