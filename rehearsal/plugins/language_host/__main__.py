"""Starts the language host; the engine passes its own address as the last argument."""

import sys
from importlib.metadata import version

from pulumi.runtime.proto import language_pb2_grpc

from rehearsal.plugins.language_host.host import LanguageHost
from rehearsal.plugins.serving import serve

# One program, its policy packs, and the questions about them.
THREADS = 32


def main() -> None:
    host = LanguageHost(sys.argv[-1] if sys.argv[1:] else "", version("pulumi"))
    serve(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server),
        THREADS,
        host.stop,
    )


if __name__ == "__main__":
    main()
