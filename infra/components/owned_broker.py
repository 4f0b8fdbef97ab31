"""The fleet's view of a broker that this stack owns: one Secret for pods, one for KEDA."""

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace, Secret

from infra import names
from infra.components.aws.placement import CacheRuntime
from infra.manifests.broker import checksum, login_secret, owned_broker_secret
from infra.manifests.labels import metadata
from infra.manifests.scaled_object import trigger_authentication
from infra.models.fleet import FleetConfig


class OwnedBroker(ComponentResource):
    """Secrets `broker` and `broker-keda`, and TriggerAuthentication `broker`.

    KEDA logs in as a user that may count and nothing else.
    """

    def __init__(
        self, config: FleetConfig, cache: CacheRuntime, namespace: Namespace, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:broker:OwnedBroker", "broker", None, opts)
        child = ResourceOptions(parent=self, depends_on=[namespace])
        expires_s = config.broker.result_expires_s
        login = Output.all(cache.host, cache.port, cache.username, cache.password)
        contents: Output[dict[str, str]] = Output.secret(
            login.apply(lambda a: owned_broker_secret(a[0], a[1], a[2], a[3], expires_s))
        )
        self.secret = Secret(
            names.BROKER,
            metadata=metadata(names.BROKER, config.namespace, "broker"),
            string_data=contents,
            opts=child,
        )
        login = Output.all(cache.host, cache.port, cache.keda_username, cache.keda_password)
        counting: Output[dict[str, str]] = Output.secret(
            login.apply(lambda a: login_secret(a[0], a[1], a[2], a[3]))
        )
        for_keda = Secret(
            names.BROKER_KEDA,
            metadata=metadata(names.BROKER_KEDA, config.namespace, "broker"),
            string_data=counting,
            opts=child,
        )
        self.authentication = CustomResource(
            names.BROKER,
            api_version="keda.sh/v1alpha1",
            kind="TriggerAuthentication",
            metadata=metadata(names.BROKER, config.namespace, "broker"),
            spec=trigger_authentication(names.BROKER_KEDA, authority=False),
            opts=ResourceOptions(parent=self, depends_on=[namespace, for_keda]),
        )
        # The mark is one-way, and pods have to show it.
        self.checksum = Output.unsecret(contents.apply(checksum))
        self.register_outputs({"secret": names.BROKER})
