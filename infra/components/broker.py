"""The broker as the fleet sees it: one Secret, and KEDA's way to read it."""

from collections.abc import Mapping

import pulumi
from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace, Secret

from infra import names
from infra.components.runtime import Login
from infra.manifests.broker import broker_secret, checksum
from infra.manifests.labels import metadata
from infra.manifests.scaled_object import trigger_authentication
from infra.models.broker import ExistingBroker


class Broker(ComponentResource):
    """Secret `broker` made from the connection secret, and TriggerAuthentication `broker`."""

    def __init__(
        self, broker: ExistingBroker, namespace: Namespace, name: str, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:broker:Broker", "broker", None, opts)
        source = f"{broker.connection_secret.namespace}/{broker.connection_secret.name}"
        child = ResourceOptions(parent=self, depends_on=[namespace])
        connection = Secret.get("connection", source, opts=ResourceOptions(parent=self))
        contents = Output.secret(connection.data).apply(
            lambda data: _contents(data, source, broker)
        )
        meta = metadata(names.BROKER, name, "broker")
        self.secret = Secret("broker", metadata=meta, string_data=contents, opts=child)
        self.authentication = CustomResource(
            "broker",
            api_version="keda.sh/v1alpha1",
            kind="TriggerAuthentication",
            metadata=meta,
            spec=trigger_authentication(authority=broker.publishes_ca),
            opts=ResourceOptions(parent=self, depends_on=[namespace, self.secret]),
        )
        # The mark is one-way, and pods have to show it.
        self.checksum = Output.unsecret(contents.apply(checksum))
        self.exporter_login = Login(self.secret, self.checksum)
        self.register_outputs({"secret": names.BROKER})


def _contents(
    connection: Mapping[str, str] | None, source: str, broker: ExistingBroker
) -> dict[str, str]:
    expires_s = broker.result_expires_s
    try:
        return broker_secret(connection or {}, source, expires_s, authority=broker.publishes_ca)
    except ValueError as error:
        raise pulumi.RunError(str(error)) from error
