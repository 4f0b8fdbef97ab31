"""The calls of Pulumi's engine, answered for the resource types of one catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # protobuf likewise
from pulumi.runtime.proto import provider_pb2 as pb
from typing_extensions import override

from rehearsal.plugins.known import InitFailedError, Known, RefusedError, told
from rehearsal.plugins.naming import Naming
from rehearsal.plugins.paths import MISSING, value_at
from rehearsal.plugins.plugin_calls import PluginCalls
from rehearsal.plugins.stand_in import checking, differing, marking
from rehearsal.plugins.stand_in.kind import Catalogue, Kind, Properties, Resource
from rehearsal.plugins.stand_in.marking import plain_properties
from rehearsal.plugins.urns import type_of_urn
from rehearsal.plugins.values import UNKNOWN, Unknown, decoded, encoded, holds


class StandIn(PluginCalls):
    """A resource provider over a catalogue of types."""

    def __init__(self, catalogue: Catalogue, engine_address: str, version: str) -> None:
        super().__init__(engine_address, version)
        self._catalogue = catalogue

    @override
    def stop(self) -> None:
        self._catalogue.cancelled.set()

    @override
    def DiffConfig(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        old = decoded(request.old_inputs if request.HasField("old_inputs") else request.olds)
        return differing.configuration_difference(
            old, decoded(request.news), self._catalogue.replacing
        )

    @override
    def Configure(
        self, request: pb.ConfigureRequest, context: grpc.ServicerContext
    ) -> pb.ConfigureResponse:
        def configure() -> pb.ConfigureResponse:
            self._catalogue.configure(request.variables)
            return pb.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

        return told(context, configure)

    @override
    def Invoke(self, request: pb.InvokeRequest, context: grpc.ServicerContext) -> pb.InvokeResponse:
        def invoke() -> pb.InvokeResponse | None:
            found = self._catalogue.invoke(request.tok, plain_properties(decoded(request.args)))
            return None if found is None else pb.InvokeResponse(**{"return": encoded(found)})

        return told(context, invoke) or super().Invoke(request, context)

    @override
    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> pb.CheckResponse:
        def check() -> pb.CheckResponse:
            kind = self._kind(request.urn)
            news, olds = kind.completed(decoded(request.news)), decoded(request.olds)
            done = checking.completed(kind.rules, news, olds, Naming.of(request))
            problems = checking.problems(kind, self.name, done)
            failures = [
                pb.CheckFailure(property=name, reason=why) for name, why in problems.items()
            ]
            return pb.CheckResponse(inputs=encoded(done), failures=failures)

        return told(context, check)

    @override
    def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        def diff() -> pb.DiffResponse:
            kind = self._kind(request.urn)
            return differing.difference(
                kind.rules,
                plain_properties(decoded(request.old_inputs)),
                plain_properties(decoded(request.news)),
                is_unfinished=marking.UNFINISHED in decoded(request.olds),
            )

        return told(context, diff)

    @override
    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> pb.CreateResponse:
        def create() -> pb.CreateResponse:
            kind, inputs = self._kind(request.urn), decoded(request.properties)
            resource = self._resource(request.urn, inputs, timeout_s=request.timeout)
            if request.preview:
                return pb.CreateResponse(properties=encoded(_foretold(kind, resource, inputs, {})))
            with _marked(kind, inputs):
                known = kind.create(resource)
            state = marking.marked(kind.rules, known.state, inputs)
            return pb.CreateResponse(id=known.id, properties=encoded(state))

        return told(context, create)

    @override
    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> pb.UpdateResponse:
        def update() -> pb.UpdateResponse:
            kind, inputs = self._kind(request.urn), decoded(request.news)
            resource = replace(
                self._resource(request.urn, inputs, request.id, request.timeout),
                old_inputs=plain_properties(decoded(request.old_inputs)),
                old_state=plain_properties(decoded(request.olds)),
            )
            if request.preview:
                foretold = _foretold(kind, resource, inputs, decoded(request.olds))
                return pb.UpdateResponse(properties=encoded(foretold))
            with _marked(kind, inputs):
                known = kind.update(resource)
            state = marking.marked(kind.rules, known.state, inputs)
            return pb.UpdateResponse(properties=encoded(state))

        return told(context, update)

    @override
    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> pb.ReadResponse:
        def read() -> pb.ReadResponse:
            kind, inputs = self._kind(request.urn), decoded(request.inputs)
            resource = replace(
                self._resource(request.urn, inputs, request.id),
                old_inputs=plain_properties(inputs),
                old_state=plain_properties(decoded(request.properties)),
            )
            with _marked(kind, inputs):
                known = kind.read(resource)
            if known is None:
                return pb.ReadResponse()
            return pb.ReadResponse(
                id=known.id,
                properties=encoded(marking.marked(kind.rules, known.state, inputs)),
                inputs=encoded(marking.marked(kind.rules, known.inputs, inputs)),
            )

        return told(context, read)

    @override
    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        def delete() -> Empty:
            kind, inputs = self._kind(request.urn), decoded(request.old_inputs)
            resource = replace(
                self._resource(request.urn, inputs, request.id, request.timeout),
                old_inputs=plain_properties(inputs),
                old_state=plain_properties(decoded(request.properties)),
            )
            with _marked(kind, inputs):
                kind.delete(resource)
            return Empty()

        return told(context, delete)

    def _kind(self, urn: str) -> Kind:
        return self._catalogue.kind(type_of_urn(urn))

    def _resource(
        self, urn: str, inputs: Properties, pulumi_id: str = "", timeout_s: float = 0.0
    ) -> Resource:
        return Resource(urn, plain_properties(inputs), self._log, pulumi_id, timeout_s=timeout_s)


def _foretold(kind: Kind, resource: Resource, inputs: Properties, olds: Properties) -> Properties:
    """The state as a preview foretells it: what is computed stays, or is unknown yet."""
    if not holds(inputs, Unknown):
        with _marked(kind, inputs):
            kind.rehearse(resource)
    fields = {name for name in kind.computed if "." in name}
    plain_ones = {name: olds.get(name, UNKNOWN) for name in kind.computed - fields}
    within = {name: value_at(olds, tuple(name.split("."))) for name in fields}
    unknown = {name: UNKNOWN if value is MISSING else value for name, value in within.items()}
    return marking.marked(kind.rules, marking.nested(plain_ones | inputs, unknown), inputs)


@contextmanager
def _marked(kind: Kind, inputs: Properties) -> Iterator[None]:
    """Errors name the resource, repeat no secret, and keep secrets in the state marked."""
    try:
        yield
    except RefusedError as error:
        raise RefusedError(marking.censored(str(error), inputs)) from error
    except InitFailedError as error:
        state = error.known.state | {marking.UNFINISHED: True}
        known = Known(
            error.known.id,
            marking.marked(kind.rules, state, inputs),
            marking.marked(kind.rules, error.known.inputs, inputs),
        )
        reasons = [marking.censored(reason, inputs) for reason in error.reasons]
        raise InitFailedError(known, reasons) from error
