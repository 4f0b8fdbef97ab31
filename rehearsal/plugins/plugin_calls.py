"""The calls of Pulumi's engine that every provider stand-in answers alike, and its start."""

import sys
from abc import ABC, abstractmethod

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # protobuf likewise
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as pb
from typing_extensions import override

from rehearsal.plugins.engine_log import EngineLog
from rehearsal.plugins.serving import serve
from rehearsal.plugins.unsupported import UnsupportedCalls

# Calls that may wait at once: the engine's own parallelism (PULUMI_PARALLEL) is far below.
_THREADS = 256


class PluginCalls(UnsupportedCalls, ABC):
    """Who the plugin is, where the engine listens, and when to stop."""

    def __init__(self, engine_address: str, version: str) -> None:
        self._version = version
        self._log = EngineLog(engine_address)

    @abstractmethod
    def stop(self) -> None:
        """End every wait."""

    @override
    def Handshake(
        self, request: pb.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> pb.ProviderHandshakeResponse:
        return pb.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    @override
    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Empty:
        self._log = EngineLog(request.address)
        return Empty()

    @override
    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    @override
    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.stop()
        return Empty()

    @override
    def CheckConfig(
        self, request: pb.CheckRequest, context: grpc.ServicerContext
    ) -> pb.CheckResponse:
        return pb.CheckResponse(inputs=request.news)


def engine_address() -> str:
    """Where the engine listens: it passes its own address as the last argument."""
    return sys.argv[-1]


def serve_provider(provider: PluginCalls) -> None:
    """Serve until the engine is gone."""
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        _THREADS,
        provider.stop,
    )
