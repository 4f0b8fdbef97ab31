"""The broker as the fleet sees it: a Secret for each login, and KEDA's way to read its own."""

from collections.abc import Callable, Mapping
from functools import partial

import pulumi
from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace, Secret

from infra import names
from infra.components.runtime import Login
from infra.manifests.broker import broker_secret, checksum, lesser_secret
from infra.manifests.labels import metadata
from infra.manifests.scaled_object import trigger_authentication
from infra.models.broker import BrokerAddress, ConnectionSecret, ExistingBroker


class Broker(ComponentResource):
    """Secret `broker` made from the connection secret, and TriggerAuthentication `broker`.

    Where KEDA or redis_exporter is given a login of its own, `broker-keda` or `broker-exporter`
    too.
    """

    def __init__(
        self, broker: ExistingBroker, namespace: Namespace, name: str, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:broker:Broker", "broker", None, opts)
        self._namespace, self._name = namespace, name
        expires_s, authority = broker.result_expires_s, broker.publishes_ca
        told = self._read(
            ("connection", "connectionSecret", broker.connection_secret),
            partial(broker_secret, result_expires_s=expires_s, authority=authority),
        )
        # Network policies show it, and it opens nothing.
        self.address: Output[BrokerAddress] | None = Output.unsecret(told.apply(_address))
        own = self._login(names.BROKER, told)
        self.secret, self.checksum = own.secret, own.checksum
        lesser = partial(lesser_secret, authority=authority)
        keda, secret = own, names.BROKER
        if given := broker.keda_secret:
            secret = names.BROKER_KEDA
            keda = self._login(secret, self._read(("connection-keda", "kedaSecret", given), lesser))
        self.exporter_login = own
        if given := broker.exporter_secret:
            source = "connection-exporter", "exporterSecret", given
            self.exporter_login = self._login(names.BROKER_EXPORTER, self._read(source, lesser))
        self.authentication = CustomResource(
            names.BROKER,
            api_version="keda.sh/v1alpha1",
            kind="TriggerAuthentication",
            metadata=metadata(names.BROKER, name, "broker"),
            spec=trigger_authentication(secret, authority=authority),
            opts=ResourceOptions(parent=self, depends_on=[namespace, keda.secret]),
        )
        self.register_outputs({"secret": names.BROKER})

    def _read(
        self,
        connection: tuple[str, str, ConnectionSecret],
        contents: Callable[[Mapping[str, str], str], dict[str, str]],
    ) -> Output[dict[str, str]]:
        """What is made of another Secret; of that one its logical name, its key and where it is."""
        logical, key, given = connection
        place = f"{given.namespace}/{given.name}"
        found = Secret.get(logical, place, opts=ResourceOptions(parent=self))
        return Output.secret(found.data).apply(
            lambda data: _told(contents, data, f"broker.{key} {place}")
        )

    def _login(self, name: str, told: Output[dict[str, str]]) -> Login:
        secret = Secret(
            name,
            metadata=metadata(name, self._name, "broker"),
            string_data=told,
            opts=ResourceOptions(parent=self, depends_on=[self._namespace]),
        )
        # The mark is one-way, and pods have to show it.
        return Login(secret, Output.unsecret(told.apply(checksum)))


def _told(
    contents: Callable[[Mapping[str, str], str], dict[str, str]],
    connection: Mapping[str, str] | None,
    source: str,
) -> dict[str, str]:
    try:
        return contents(connection or {}, source)
    except ValueError as error:
        raise pulumi.RunError(str(error)) from error


def _address(contents: Mapping[str, str]) -> BrokerAddress:
    return BrokerAddress(contents["host"], int(contents["port"]))
