"""The fleet, from what it stands on to its producers: a table of contents."""

from pulumi import Output, Resource, ResourceOptions, get_stack
from pulumi_kubernetes.core.v1 import Namespace

from infra import names
from infra.components.alerts import Alerts
from infra.components.api import Api
from infra.components.aws.guest_users import GuestUsers
from infra.components.base_stack import require_base
from infra.components.broker import Broker
from infra.components.dashboards import Dashboards
from infra.components.home import Home
from infra.components.image_admission import ImageAdmission
from infra.components.network_policies import NetworkPolicies
from infra.components.one_replica import OneReplica
from infra.components.own_pod import OwnPod
from infra.components.owned_broker import OwnedBroker
from infra.components.queue_workers import QueueWorkers
from infra.components.quota import Quota
from infra.components.redis_exporter import RedisExporter
from infra.components.runtime import PodRuntime
from infra.foundation import Foundation, aws_place, foundation
from infra.manifests.own_pod import telling_workers
from infra.models.broker import ExistingBroker
from infra.models.fleet import FleetConfig
from infra.models.guest_broker import GuestBroker
from infra.models.tier import TIERS
from infra.outputs import FleetOutputs, fleet_outputs


def deploy(config: FleetConfig, api_token: Output[str]) -> FleetOutputs:
    """Declare every resource of one stack, in the order they depend on one another."""
    if config.preview is not None:
        require_base(config.preview.base)
    below = foundation(config)
    opts = ResourceOptions(providers=[below.kubernetes], depends_on=below.needs)

    home = Home(config, opts)
    broker = _broker(config, below, home.namespace, opts)
    guards = (
        *_image_admission(config, below, home.namespace, opts),
        *_network_policies(config, broker, home.namespace, opts),
    )
    accounts = OwnPod(config, home.namespace, opts).needs if telling_workers(config) else ()
    bounds = Quota(config, home.namespace, opts).needs if TIERS[config.tier].guest else ()
    runtime = PodRuntime(
        needs=(
            *(*home.needs, broker.secret),
            *(*guards, *accounts, *bounds),
        ),
        broker_checksum=broker.checksum,
        images=below.images,
    )
    for worker in config.workers:
        QueueWorkers(worker, config, runtime, broker.authentication, opts)
    OneReplica(names.BEAT, config, runtime, opts)
    OneReplica(names.JANITOR, config, runtime, opts)
    Api(config, runtime, api_token, opts)
    if config.monitoring.redis_exporter:
        RedisExporter(config, (home.namespace, *guards), broker.exporter_login, opts)
    if config.monitoring.rules:
        Alerts(config, get_stack(), below.alarm_topic, home.namespace, opts)
        Dashboards(config, get_stack(), home.namespace, opts)
    return fleet_outputs(config, below)


def _image_admission(
    config: FleetConfig, below: Foundation, namespace: Namespace, opts: ResourceOptions
) -> tuple[Resource, ...]:
    if not config.admission.images:
        return ()
    return ImageAdmission(config, below.images, namespace, opts).needs


def _network_policies(
    config: FleetConfig, broker: Broker | OwnedBroker, namespace: Namespace, opts: ResourceOptions
) -> tuple[Resource, ...]:
    if not config.network_policy.enabled:
        return ()
    return tuple(NetworkPolicies(config, namespace, broker.address, opts).needs)


def _broker(
    config: FleetConfig, below: Foundation, namespace: Namespace, opts: ResourceOptions
) -> Broker | OwnedBroker:
    if isinstance(config.broker, ExistingBroker):
        return Broker(config.broker, namespace, config.namespace, opts)
    if isinstance(config.broker, GuestBroker):
        users = GuestUsers(aws_place(config, config.broker.user_group.region), config.broker)
        return OwnedBroker(config, users.access, namespace, opts)
    if below.cache is None:
        raise TypeError("a stack with broker.kind elasticache has a cache")
    return OwnedBroker(config, below.cache, namespace, opts)
