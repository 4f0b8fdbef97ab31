"""Tells the person at the terminal what a plugin does, through the engine's own display."""

import contextlib
from typing import Protocol

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Log(Protocol):
    """Where messages about one resource go."""

    def warning(self, urn: str, message: str) -> None:
        """Show a warning that stays on the screen."""

    def note(self, urn: str, message: str) -> None:
        """Show a message that stays on the screen."""

    def status(self, urn: str, message: str) -> None:
        """Show what is going on now; the next status replaces it, an empty one clears it."""


class EngineLog:
    """The engine's display; messages to an engine that has gone are dropped."""

    def __init__(self, address: str) -> None:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def warning(self, urn: str, message: str) -> None:
        self._send(engine_pb2.LogRequest(severity=engine_pb2.WARNING, urn=urn, message=message))

    def note(self, urn: str, message: str) -> None:
        self._send(engine_pb2.LogRequest(severity=engine_pb2.INFO, urn=urn, message=message))

    def status(self, urn: str, message: str) -> None:
        self._send(
            engine_pb2.LogRequest(
                severity=engine_pb2.INFO, urn=urn, message=message, ephemeral=True
            )
        )

    def _send(self, request: engine_pb2.LogRequest) -> None:
        # An engine that is shutting down answers no more; there is nobody left to tell.
        with contextlib.suppress(grpc.RpcError):
            self._engine.Log(request)
