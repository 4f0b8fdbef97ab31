"""The fleet's view of a broker that this stack owns: a Secret for each login."""

from typing import Any

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace, Secret

from infra import names
from infra.components.aws.placement import CacheRuntime
from infra.components.runtime import Login
from infra.manifests.broker import checksum, login_secret, owned_broker_secret
from infra.manifests.labels import metadata
from infra.manifests.scaled_object import trigger_authentication
from infra.models.fleet import FleetConfig


class OwnedBroker(ComponentResource):
    """Secrets `broker`, `broker-keda` and `broker-exporter`, and TriggerAuthentication `broker`.

    KEDA logs in as a user that may count, redis_exporter as one that may read figures.
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
        self.secret = _secret(names.BROKER, config.namespace, contents, child)
        login = Output.all(cache.host, cache.port, cache.keda_username, cache.keda_password)
        for_keda = _secret(names.BROKER_KEDA, config.namespace, _login(login), child)
        login = Output.all(cache.host, cache.port, cache.exporter_username, cache.exporter_password)
        reading = _login(login)
        self.exporter_login = Login(
            _secret(names.BROKER_EXPORTER, config.namespace, reading, child),
            Output.unsecret(reading.apply(checksum)),
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


def _login(login: Output[list[Any]]) -> Output[dict[str, str]]:
    return Output.secret(login.apply(lambda a: login_secret(a[0], a[1], a[2], a[3])))


def _secret(
    name: str, namespace: str, contents: Output[dict[str, str]], opts: ResourceOptions
) -> Secret:
    meta = metadata(name, namespace, "broker")
    return Secret(name, metadata=meta, string_data=contents, opts=opts)
