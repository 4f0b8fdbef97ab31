"""The fleet, from its home to its producers: a table of contents."""

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import Provider

from infra.components.api import Api
from infra.components.beat import Beat
from infra.components.broker import Broker
from infra.components.home import Home
from infra.components.own_pod import OwnPod
from infra.components.queue_workers import QueueWorkers
from infra.components.runtime import PodRuntime
from infra.manifests.own_pod import telling_workers
from infra.models.fleet import FleetConfig
from infra.outputs import FleetOutputs, fleet_outputs


def deploy(config: FleetConfig, api_token: Output[str]) -> FleetOutputs:
    """Declare every resource of one stack, in the order they depend on one another."""
    cluster = Provider(
        "cluster",
        context=config.cluster.context,
        # Else a changed setting or password would take the object away before it comes back;
        # checksums in the pods' annotations roll who reads it.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )
    opts = ResourceOptions(providers=[cluster])

    home = Home(config, opts)
    broker = Broker(config.broker, home.namespace, config.namespace, opts)
    accounts = OwnPod(config, home.namespace, opts).needs if telling_workers(config) else ()
    runtime = PodRuntime(
        needs=(home.namespace, home.settings, home.data, broker.secret, *accounts),
        broker_checksum=broker.checksum,
    )
    for worker in config.workers:
        QueueWorkers(worker, config, runtime, broker.authentication, opts)
    Beat(config, runtime, opts)
    Api(config, runtime, api_token, opts)
    return fleet_outputs(config)
