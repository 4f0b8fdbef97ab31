"""A preview's keys go, all of them and in little memory, or it is told why not."""

import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fleet.previews import forget


class Server:
    """A stand-in for Redis in which someone writes once more while its keys are removed."""

    def __init__(self) -> None:
        self.keys = {"other:a", "p:late-not-yet", *(f"p:{number}" for number in range(1200))}
        self.late = {"p:late"}
        self.in_hand = self.most_in_hand = 0

    def scan_iter(self, pattern: str, count: int) -> Iterator[str]:
        assert count
        for key in sorted(key for key in self.keys if key.startswith(pattern.removesuffix("*"))):
            self.in_hand += 1
            self.most_in_hand = max(self.most_in_hand, self.in_hand)
            yield key

    def unlink(self, *keys: str) -> int:
        self.in_hand -= len(keys)
        self.keys -= set(keys)
        self.keys |= self.late
        self.late = set()
        return len(keys)


def test_every_key_under_the_prefix_goes_and_no_other() -> None:
    server: Any = Server()

    assert forget.forget(server, "p:") == 1202
    assert server.keys == {"other:a"}


def test_no_more_keys_are_in_hand_than_one_batch() -> None:
    server: Any = Server()

    forget.forget(server, "p:")

    assert server.most_in_hand == 500


def forgotten(port: int) -> "subprocess.CompletedProcess[str]":
    """The script as the pod runs it."""
    url = f"redis://:secret-of-ours@127.0.0.1:{port}"
    places = {"CELERY_BROKER_URL": f"{url}/0", "CELERY_RESULT_BACKEND": f"{url}/1"}
    return subprocess.run(
        [sys.executable, "-c", Path(forget.__file__).read_text()],
        env={**places, "FLEET_FORGOTTEN": "p:"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


class Refusing(socketserver.StreamRequestHandler):
    """A broker that knows no login."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            for _ in range(int(line[1:])):
                self.rfile.readline()
                self.rfile.readline()
            self.wfile.write(b"-WRONGPASS invalid username-password pair\r\n")


def test_a_login_that_the_broker_refuses_is_told_in_a_line_without_it() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ended = forgotten(server.server_address[1])
        server.shutdown()

    assert ended.returncode
    assert ended.stderr.startswith("the broker refuses the preview's login: invalid username")
    assert (ended.stderr.count("\n"), "secret-of-ours" in ended.stderr) == (1, False)


def test_a_broker_that_does_not_answer_is_told_in_a_line() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Refusing) as nobody:
        port = nobody.server_address[1]
    ended = forgotten(port)

    assert ended.returncode
    assert ended.stderr.startswith("the broker does not answer: ")
    assert ended.stderr.count("\n") == 1
