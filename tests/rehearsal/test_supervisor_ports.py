"""A port that another program took is named, and the next start moves away from it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.toolchain import Tools
from tests.rehearsal.stage import Stage, kill, small_spec

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]


@contextmanager
def stranger_on(port: int) -> Iterator[None]:
    """Listen on a port as soon as it is free."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield


def test_a_taken_port_is_named_and_avoided_by_the_next_start(tools: Tools, tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state", small_spec(), tools)
    stage.start()
    try:
        port = stage.status().ports["kube_scheduler"]
        pid = stage.process("kube-scheduler").pid
        kill(pid)
        with stranger_on(port):
            with pytest.raises(RehearsalError, match="its port is taken") as caught:
                stage.start()
            assert str(port) in str(caught.value.where)
            # The others go on: what ran once is not torn down for a fault.
            assert stage.process("kube-apiserver").pid is not None

            stage.stop()
            told = stage.start()

            assert any(f"port {port} (kube_scheduler) is taken" in line for line in told)
            assert stage.status().ports["kube_scheduler"] != port
            assert stage.status().healthy
    finally:
        stage.stop()
