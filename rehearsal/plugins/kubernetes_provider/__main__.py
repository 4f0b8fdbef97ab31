"""Starts the provider; the engine passes its own address as the last argument."""

import sys
from importlib.metadata import version

from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.plugins.kubernetes_provider.provider import KubernetesProvider
from rehearsal.plugins.serving import serve

# Calls that may wait at once: the engine's own parallelism (PULUMI_PARALLEL) is far below.
THREADS = 256


def main() -> None:
    # The engine asks for a plugin of the SDK's version, so that is what the stand-in stands for.
    provider = KubernetesProvider(sys.argv[-1], version("pulumi_kubernetes"))
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        THREADS,
        provider.stop,
    )


if __name__ == "__main__":
    main()
