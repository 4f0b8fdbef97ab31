"""Starts a provider as the engine does: its own address is the last argument."""

import sys
from importlib.metadata import version

from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.plugins.serving import serve
from rehearsal.plugins.stand_in.kind import Catalogue
from rehearsal.plugins.stand_in.servicer import StandIn

# Calls that may wait at once: the engine's own parallelism (PULUMI_PARALLEL) is far below.
THREADS = 256


def run(kind: type[StandIn], catalogue: Catalogue, sdk: str) -> None:
    """Serve until the engine is gone; the engine asks for a plugin of the SDK's version."""
    provider = kind(catalogue, sys.argv[-1], version(sdk))
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        THREADS,
        provider.stop,
    )
