"""The calls of Pulumi's engine that the stand-ins leave to the official plugins."""

from typing import ClassVar, NoReturn

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc
from typing_extensions import override


class UnsupportedCalls(provider_pb2_grpc.ResourceProviderServicer):
    """Refuses each with one sentence; mappings of other tools' types are simply none."""

    name: ClassVar[str]
    """What the stand-in calls itself."""
    official: ClassVar[str]
    """What to install instead."""

    @override
    def GetMapping(
        self, request: pb.GetMappingRequest, context: grpc.ServicerContext
    ) -> pb.GetMappingResponse:
        return pb.GetMappingResponse()

    @override
    def GetMappings(
        self, request: pb.GetMappingsRequest, context: grpc.ServicerContext
    ) -> pb.GetMappingsResponse:
        return pb.GetMappingsResponse()

    @override
    def GetSchema(self, request: pb.GetSchemaRequest, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, "carries no schema")

    @override
    def Parameterize(
        self, request: pb.ParameterizeRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        self._refuse(context, "makes no packages of its own")

    @override
    def Invoke(self, request: pb.InvokeRequest, context: grpc.ServicerContext) -> pb.InvokeResponse:
        self._refuse(context, f"knows no function {request.tok}")

    @override
    def Call(self, request: pb.CallRequest, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, f"knows no method {request.tok}")

    @override
    def Construct(self, request: pb.ConstructRequest, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, f"knows no component {request.type}")

    @override
    def List(self, request: pb.ListRequest, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, "lists nothing")

    def _refuse(self, context: grpc.ServicerContext, why: str) -> NoReturn:
        told = f"{self.name} {why}; install {self.official}"
        context.abort(grpc.StatusCode.UNIMPLEMENTED, told)
        raise NotImplementedError(told)
