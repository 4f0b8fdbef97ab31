"""The fleet's view of a broker on which this stack makes users: a Secret for each login."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace, Secret

from infra import names
from infra.components.aws.placement import CacheAccess
from infra.components.runtime import Login
from infra.manifests.aws.access_strings import Workload
from infra.manifests.broker import checksum, login_secret, owned_broker_secret, producer_secret
from infra.manifests.labels import metadata
from infra.manifests.scaled_object import trigger_authentication
from infra.models.broker import BrokerAddress
from infra.models.fleet import FleetConfig


class OwnedBroker(ComponentResource):
    """A Secret for each login that there is, and TriggerAuthentication `broker`.

    `broker` is the fleet's own. KEDA's (`broker-keda`) may count, redis_exporter's
    (`broker-exporter`) may read figures, and that of applications which send tasks
    (`broker-producer`) may do that; a guest may have neither of the latter two.
    """

    def __init__(
        self, config: FleetConfig, cache: CacheAccess, namespace: Namespace, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:broker:OwnedBroker", "broker", None, opts)
        child = ResourceOptions(parent=self, depends_on=[namespace])
        own = partial(owned_broker_secret, result_expires_s=config.broker.result_expires_s)
        contents = _contents(cache, "fleet", own)
        self.secret = _secret(names.BROKER, config.namespace, contents, child)
        counting = _contents(cache, "keda", login_secret)
        for_keda = _secret(names.BROKER_KEDA, config.namespace, counting, child)
        # The mark is one-way, and pods have to show it.
        self.checksum = Output.unsecret(contents.apply(checksum))
        self.exporter_login = Login(self.secret, self.checksum)
        """Of a stack that runs redis_exporter, its own."""
        if "exporter" in cache.logins:
            reading = _contents(cache, "exporter", login_secret)
            self.exporter_login = Login(
                _secret(names.BROKER_EXPORTER, config.namespace, reading, child),
                Output.unsecret(reading.apply(checksum)),
            )
        if "producer" in cache.logins:
            prefix = config.broker.key_prefix
            sending = _contents(
                cache, "producer", lambda *login: producer_secret(own(*login), prefix)
            )
            _secret(names.BROKER_PRODUCER, config.namespace, sending, child)
        self.authentication = CustomResource(
            names.BROKER,
            api_version="keda.sh/v1alpha1",
            kind="TriggerAuthentication",
            metadata=metadata(names.BROKER, config.namespace, "broker"),
            spec=trigger_authentication(names.BROKER_KEDA, authority=False),
            opts=ResourceOptions(parent=self, depends_on=[namespace, for_keda]),
        )
        self.address: Output[BrokerAddress] | None = None
        """Not asked for: network policies know the subnets of a broker that the stack makes."""
        self.register_outputs({"secret": names.BROKER})


def _contents(
    cache: CacheAccess, workload: Workload, told: Callable[[str, int, str, str], dict[str, str]]
) -> Output[dict[str, str]]:
    """What is told of host, port, user name and password."""
    login = cache.logins[workload]
    known: Output[list[Any]] = Output.all(cache.host, cache.port, login.username, login.password)
    return Output.secret(known.apply(lambda a: told(a[0], a[1], a[2], a[3])))


def _secret(
    name: str, namespace: str, contents: Output[dict[str, str]], opts: ResourceOptions
) -> Secret:
    meta = metadata(name, namespace, "broker")
    return Secret(name, metadata=meta, string_data=contents, opts=opts)
