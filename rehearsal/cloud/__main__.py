"""`python -m rehearsal.cloud --state ROOT --port N`: AWS's stand-in, until SIGTERM."""

import argparse
import json
import logging
import signal
import sys
import threading
from pathlib import Path

from rehearsal.cloud.broker import BROKER, Operator
from rehearsal.cloud.broker_nodes import Nodes
from rehearsal.cloud.program import RECORD
from rehearsal.cloud.server import server
from rehearsal.cloud.stage import STAGE
from rehearsal.control_plane.files import write_atomically
from rehearsal.errors import RehearsalError


def main() -> int:
    """Run it; 0 after SIGTERM or SIGINT, 1 with the reason on stderr."""
    options = _options()
    # werkzeug would write a line for every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        STAGE.root = options.state.resolve()
        STAGE.empty()
        STAGE.launch_s, STAGE.idle_s = options.node_launch_s, options.node_idle_s
        if options.broker:
            host, _, port = options.broker.rpartition(":")
            BROKER.operator = Operator(host, int(port), options.authority, options.operator)
            BROKER.nodes = Nodes(options.server, options.folder, BROKER.operator.read())
        listening = server(options.port)
        url = f"http://127.0.0.1:{listening.server_port}"
        write_atomically(STAGE.root / RECORD, json.dumps({"endpoint": url}))
    except (RehearsalError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not from the handler itself: it would wait for the very loop it interrupts.
        signal.signal(number, lambda *_: threading.Thread(target=listening.shutdown).start())
    try:
        listening.serve_forever()
    finally:
        BROKER.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.cloud",
        description="A stand-in for AWS. Its state lives in this process and ends with it.",
    )
    parser.add_argument("--state", type=Path, required=True, help="the rehearsal's state folder")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--broker", help="HOST:PORT of the real broker, TLS")
    parser.add_argument("--authority", type=Path, help="the broker's CA, PEM")
    parser.add_argument("--operator", type=Path, help="the account that may administer it, JSON")
    parser.add_argument("--server", type=Path, help="the broker's program, for a replica")
    parser.add_argument("--folder", type=Path, help="where the broker works")
    parser.add_argument("--node-launch-s", type=float, default=8.0)
    parser.add_argument("--node-idle-s", type=float, default=10.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
