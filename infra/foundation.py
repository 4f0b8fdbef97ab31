"""What the fleet stands on: network, cluster, nodes, broker, made here or there already."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws
from pulumi import InvokeOptions, Output, Resource, ResourceOptions
from pulumi_kubernetes import Provider

from infra.components.add_ons import AddOns
from infra.components.aws.alarms import Alarms
from infra.components.aws.cache import Cache
from infra.components.aws.cluster import Cluster
from infra.components.aws.keys import key
from infra.components.aws.network import network
from infra.components.aws.node_groups import NodeGroups
from infra.components.aws.placement import Base, CacheRuntime, ClusterRuntime, NodesRuntime, Place
from infra.components.aws.registry import Registry
from infra.components.aws.shared_data import SharedData
from infra.manifests.aws.policies import cluster_autoscaler, data_key, publish
from infra.manifests.aws.tags import fleet_tags, tagged
from infra.manifests.releases import (
    ALERTMANAGER_ACCOUNT,
    CLUSTER_AUTOSCALER_ACCOUNT,
    SYSTEM,
)
from infra.models.cluster import ExistingCluster
from infra.models.eks import EksCluster
from infra.models.elasticache import ElastiCacheBroker
from infra.models.fleet import FleetConfig
from infra.models.flows import MONITORING
from infra.models.image import ImageSource

_CSI_SETTINGS = {"defaultStorageClass": {"enabled": True}}


@dataclass(frozen=True)
class Foundation:
    """A cluster with what the fleet needs in it, and a broker if this stack owns one."""

    kubernetes: Provider
    needs: list[Resource] = field(default_factory=list)
    """What has to be there before the fleet's first object, and stays until its last is gone."""
    cluster: ClusterRuntime | None = None
    cache: CacheRuntime | None = None
    alarm_topic: Output[str] | None = None
    images: Mapping[str, Output[str]] = field(default_factory=dict)


def foundation(config: FleetConfig) -> Foundation:
    """Make or find everything below the fleet's namespace."""
    if not config.on_aws or config.region is None:
        kubernetes = _kubernetes(config, None)
        add_ons = _add_ons(config, kubernetes, None, [])
        return Foundation(kubernetes, add_ons)
    return _on_aws(config, aws_place(config, config.region))


def _on_aws(config: FleetConfig, place: Place) -> Foundation:
    base = _base(place)
    cluster, nodes, files, ready = _cluster(place, base)
    runtime = cluster.runtime if cluster else None
    kubernetes = _kubernetes(config, runtime)
    cache = None
    if isinstance(config.broker, ElastiCacheBroker):
        members = [nodes.security_group_id] if nodes else []
        cache = Cache(place, config.broker, base, members).runtime
    images: Mapping[str, Output[str]] = {}
    if isinstance(config.image, ImageSource) and config.image.build:
        images = Registry(place, config.image.build, base).images
    topic = Alarms(place, base, cache, nodes).topic_arn
    if cluster and config.monitoring.kind == "release" and config.monitoring.receivers.own_topic:
        ready += _publishing(cluster, topic, base)
    file_system_id = files.files.id if files else None
    add_ons = _add_ons(config, kubernetes, file_system_id, ready)
    return Foundation(kubernetes, [*ready, *add_ons], runtime, cache, topic, images)


def aws_place(config: FleetConfig, region: str) -> Place:
    """Provider and tags of what a stack makes on AWS."""
    provider = aws.Provider("aws", region=region)
    tags = fleet_tags(config, pulumi.get_stack())

    def with_tags(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        return pulumi.ResourceTransformationResult(
            props=tagged(args.type_, args.props, tags), opts=args.opts
        )

    opts = ResourceOptions(providers=[provider], transformations=[with_tags])
    return Place(config, region, provider, opts, tags)


def _base(place: Place) -> Base:
    identity = aws.get_caller_identity_output(opts=InvokeOptions(provider=place.provider))
    policy = identity.account_id.apply(lambda account: data_key(account, place.region))
    purpose = "broker, files, images, logs, alarms"
    encryption = key("data", place, purpose, place.opts, policy)
    return Base(network(place, encryption.arn), encryption)


def _cluster(
    place: Place, base: Base
) -> tuple[Cluster | None, NodesRuntime | None, SharedData | None, list[Resource]]:
    """Control plane, nodes, files; and what must stay until the last object in them is gone."""
    spec = place.config.cluster
    if not isinstance(spec, EksCluster):
        return None, None, None, []
    cluster = Cluster(place, spec, base)
    nodes = NodeGroups(place, base.network, cluster.runtime).runtime
    files = SharedData(place, base, nodes.security_group_id)
    ready: list[Resource] = [
        *nodes.needs,
        *files.needs,
        *cluster.let_in(
            "cluster-autoscaler",
            cluster.runtime.arn.apply(cluster_autoscaler),
            CLUSTER_AUTOSCALER_ACCOUNT,
            SYSTEM,
        ),
        # Their pods need nodes.
        cluster.add_on("coredns", needs=nodes.needs),
        cluster.add_on(
            "aws-ebs-csi-driver",
            "ebs-csi-controller-sa",
            "service-role/AmazonEBSCSIDriverPolicy",
            _CSI_SETTINGS,
            nodes.needs,
        ),
        cluster.add_on(
            "aws-efs-csi-driver",
            "efs-csi-controller-sa",
            "service-role/AmazonEFSCSIDriverPolicy",
            needs=[*nodes.needs, *files.needs],
        ),
    ]
    return cluster, nodes, files, ready


def _publishing(cluster: Cluster, topic: Output[str], base: Base) -> list[Resource]:
    """Let Alertmanager send to the topic of alarms; its pod asks once, when it starts."""
    policy = Output.all(topic, base.data_key.arn).apply(lambda arns: publish(arns[0], arns[1]))
    return cluster.let_in("cluster-alertmanager", policy, ALERTMANAGER_ACCOUNT, MONITORING)


def _kubernetes(config: FleetConfig, cluster: ClusterRuntime | None) -> Provider:
    existing = config.cluster if isinstance(config.cluster, ExistingCluster) else None
    return Provider(
        "cluster",
        context=existing.context if existing else None,
        kubeconfig=cluster.kubeconfig if cluster else None,
        # Else a changed setting or password would take the object away before it comes back;
        # checksums in the pods' annotations roll who reads it.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def _add_ons(
    config: FleetConfig,
    kubernetes: Provider,
    file_system_id: Output[str] | None,
    ready: list[Resource],
) -> list[Resource]:
    parts = (config.keda, config.monitoring)
    if file_system_id is None and all(part.kind == "existing" for part in parts):
        return []
    opts = ResourceOptions(providers=[kubernetes], depends_on=ready)
    return AddOns(config, file_system_id, opts).needs
