"""Serves a plugin the way Pulumi's engine expects: gRPC on a free loopback port, printed first."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc  # type: ignore[import-untyped]  # grpcio ships no types

# The engine's own limit for one message (rpcutil.GrpcChannelOptions).
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
# How often a plugin looks whether the engine still lives.
PARENT_CHECK_S = 1.0


def serve(
    register: Callable[[grpc.Server], None], threads: int, on_stop: Callable[[], None]
) -> None:
    """Serve until told to stop (SIGINT, SIGTERM) or the engine is gone; then end the process.

    Args:
        register: adds the plugin's service to the server.
        threads: calls that may run at once; a thread is made only when one is needed.
        on_stop: releases what calls still wait for.

    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    limits = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(threads), options=limits)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - the engine reads the port from the first line
    _wait(stop)
    on_stop()
    server.stop(grace=None)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for threads whose calls nobody reads any more.
    os._exit(0)


def _wait(stop: threading.Event) -> None:
    # An engine that was killed cannot say so; its children then get another parent.
    engine = os.getppid()
    while not stop.wait(PARENT_CHECK_S):
        if os.getppid() != engine:
            return
