"""What a call of the engine came to: what is known of a resource now, or why it is not as asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import status_pb2

from rehearsal.errors import RehearsalError
from rehearsal.plugins.values import encoded

Reply = TypeVar("Reply")


@dataclass(frozen=True)
class Known:
    """What the engine is to remember of a resource."""

    id: str
    """Empty in a preview."""
    state: dict[str, object]
    inputs: dict[str, object]


class RefusedError(Exception):
    """A resource is not as asked for, because whoever keeps it said no."""


class InitFailedError(Exception):
    """The resource is there, so the state must have it, but it is not as asked for."""

    def __init__(self, known: Known, reasons: list[str]) -> None:
        super().__init__(reasons[0])
        self.known = known
        self.reasons = reasons


def told(
    context: grpc.ServicerContext,
    work: Callable[[], Reply],
    *refusals: type[Exception],
) -> Reply:
    """The work's answer, or the call's end with the error's own words."""
    refused: tuple[type[Exception], ...] = (RefusedError, RehearsalError, *refusals)
    try:
        return work()
    except InitFailedError as error:
        details = _init_failure(error)
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise
    except refused as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise


def _init_failure(error: InitFailedError) -> bytes:
    """The status that makes the engine keep a resource that is there but not ready."""
    failure = pb.ErrorResourceInitFailed(
        id=error.known.id,
        properties=encoded(error.known.state),
        inputs=encoded(error.known.inputs),
        reasons=error.reasons,
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(failure)
    return bytes(status.SerializeToString())
