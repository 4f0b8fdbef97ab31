"""The calls of Pulumi's engine to a resource provider, answered for Kubernetes objects."""

import os
import threading

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # protobuf likewise
from pulumi.runtime.proto import provider_pb2 as pb
from typing_extensions import override

from rehearsal.plugins.known import RefusedError, told
from rehearsal.plugins.kubernetes_provider import answers, configuration, inputs, objects, state
from rehearsal.plugins.kubernetes_provider.api import ApiError
from rehearsal.plugins.kubernetes_provider.cluster import Cluster
from rehearsal.plugins.kubernetes_provider.kubeconfig import access
from rehearsal.plugins.kubernetes_provider.lifecycle import Lifecycle
from rehearsal.plugins.kubernetes_provider.releases import Releases, is_release
from rehearsal.plugins.kubernetes_provider.resource import Resource
from rehearsal.plugins.kubernetes_provider.spelling import for_kubernetes
from rehearsal.plugins.kubernetes_provider.support import refuse_unsupported
from rehearsal.plugins.plugin_calls import PluginCalls
from rehearsal.plugins.urns import type_of_urn
from rehearsal.plugins.values import decoded, encoded, plain


class KubernetesProvider(PluginCalls):
    """Server-side apply for any kind the cluster serves, and Helm releases, which are recorded.

    No Helm charts or templates, Kustomize, YAML, patches.
    """

    name = "pulumi-resource-kubernetes (stand-in)"
    official = "the official Kubernetes plugin"

    def __init__(self, engine_address: str, version: str) -> None:
        super().__init__(engine_address, version)
        self._cancelled = threading.Event()
        self._cluster: Cluster | None = None

    @override
    def stop(self) -> None:
        self._cancelled.set()

    @override
    def DiffConfig(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        old = request.old_inputs if request.HasField("old_inputs") else request.olds
        return answers.configuration_difference(decoded(old), decoded(request.news), os.environ)

    @override
    def Configure(
        self, request: pb.ConfigureRequest, context: grpc.ServicerContext
    ) -> pb.ConfigureResponse:
        def configure() -> pb.ConfigureResponse:
            behaviour = configuration.behaviour(request.variables)
            cluster = access(configuration.choice(request.variables), os.environ)
            self._cluster = Cluster(cluster, behaviour, self._cancelled)
            return pb.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

        return told(context, configure, ApiError)

    @override
    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> pb.CheckResponse:
        def check() -> pb.CheckResponse:
            cluster = self._configured()
            if is_release(request.urn):
                return self._releases().check(request)
            news, olds = for_kubernetes(decoded(request.news)), decoded(request.olds)
            type_token = type_of_urn(request.urn)
            refuse_unsupported(type_token, objects.text(news.get("kind")))
            kind = objects.kind_of(objects.mapping(plain(news)), objects.kind_of_type(type_token))
            namespace = cluster.namespace if cluster.is_namespaced(kind) else ""
            naming = inputs.ObjectNaming.of(request)
            done = inputs.completed(news, olds, naming, namespace)
            return pb.CheckResponse(inputs=encoded(done))

        return told(context, check, ApiError)

    @override
    def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        def diff() -> pb.DiffResponse:
            cluster = self._configured()
            if is_release(request.urn):
                return self._releases().diff(request)
            olds = decoded(request.old_inputs) or decoded(request.olds).get(state.INPUTS)
            kind = objects.kind_of_type(type_of_urn(request.urn))
            return answers.difference(
                objects.mapping(plain(olds)),
                objects.mapping(plain(decoded(request.news))),
                kind,
                cluster,
            )

        return told(context, diff, ApiError)

    @override
    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> pb.CreateResponse:
        def create() -> pb.CreateResponse:
            if is_release(request.urn):
                return self._releases().create(request)
            resource = Resource(
                request.urn,
                objects.kind_of_type(type_of_urn(request.urn)),
                decoded(request.properties),
                timeout_s=request.timeout,
                preview=request.preview,
            )
            known = self._lifecycle().create(resource)
            return pb.CreateResponse(id=known.id, properties=encoded(known.state))

        return told(context, create, ApiError)

    @override
    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> pb.UpdateResponse:
        def update() -> pb.UpdateResponse:
            if is_release(request.urn):
                return self._releases().update(request)
            resource = Resource(
                request.urn,
                objects.kind_of_type(type_of_urn(request.urn)),
                decoded(request.news),
                decoded(request.olds),
                request.timeout,
                request.preview,
                tuple(request.ignoreChanges),
            )
            return pb.UpdateResponse(properties=encoded(self._lifecycle().update(resource).state))

        return told(context, update, ApiError)

    @override
    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> pb.ReadResponse:
        def read() -> pb.ReadResponse:
            if is_release(request.urn):
                return self._releases().read(request)
            type_token = type_of_urn(request.urn)
            refuse_unsupported(type_token)
            resource = Resource(
                request.urn,
                objects.kind_of_type(type_token),
                decoded(request.inputs),
                decoded(request.properties),
            )
            known = self._lifecycle().read(resource, request.id)
            if known is None:
                return pb.ReadResponse()
            return pb.ReadResponse(
                id=known.id, properties=encoded(known.state), inputs=encoded(known.inputs)
            )

        return told(context, read, ApiError)

    @override
    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        def delete() -> Empty:
            if is_release(request.urn):
                self._releases().delete(request)
                return Empty()
            resource = Resource(
                request.urn,
                objects.kind_of_type(type_of_urn(request.urn)),
                decoded(request.old_inputs),
                decoded(request.properties),
                request.timeout,
            )
            self._lifecycle().delete(resource, request.id)
            return Empty()

        return told(context, delete, ApiError)

    def _configured(self) -> Cluster:
        if self._cluster is None:
            raise RefusedError(f"{self.name} was asked for a resource before it was configured")
        return self._cluster

    def _releases(self) -> Releases:
        return Releases(self._configured(), self._log)

    def _lifecycle(self) -> Lifecycle:
        return Lifecycle(self._configured(), self._log)
