"""The HTTP producer: its token, its pods, its address in the cluster."""

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Secret, Service

from infra import names
from infra.components.runtime import TOKEN_CHECKSUM, PodRuntime, annotated, completed
from infra.manifests.broker import checksum
from infra.manifests.deployment import api_deployment
from infra.manifests.labels import metadata
from infra.manifests.service import api_service, has_service
from infra.models.fleet import FleetConfig


class Api(ComponentResource):
    """Secret `api-token`, Deployment `api`, and Service `api` where anyone may call it."""

    def __init__(
        self,
        config: FleetConfig,
        runtime: PodRuntime,
        token: Output[str],
        opts: ResourceOptions,
    ) -> None:
        super().__init__("celery-fleet:api:Api", "api", None, opts)
        meta = metadata(names.API, config.namespace, "api")
        child = ResourceOptions(parent=self, depends_on=runtime.needs)
        contents: Output[dict[str, str]] = Output.secret(token.apply(lambda t: {"token": t}))
        secret = Secret(
            names.API_TOKEN,
            metadata=metadata(names.API_TOKEN, config.namespace, "api"),
            string_data=contents,
            opts=child,
        )
        # Pods read the token once, when they start. The mark is 64 bits of SHA-256: whoever sees
        # the pods learns nothing of a token that was drawn at random.
        mark = Output.unsecret(contents.apply(checksum))
        Deployment(
            names.API,
            metadata=meta,
            spec=annotated(completed(api_deployment(config), runtime), TOKEN_CHECKSUM, mark),
            opts=ResourceOptions(parent=self, depends_on=[*runtime.needs, secret]),
        )
        if has_service(config):
            Service(
                names.API,
                # The Deployment is awaited; endpoints come with its pods.
                metadata=meta | {"annotations": {"pulumi.com/skipAwait": "true"}},
                spec=api_service(config),
                opts=child,
            )
        self.register_outputs({"deployment": names.API})
