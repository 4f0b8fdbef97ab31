"""Ports are picked free, kept, and picked anew only when someone else took them."""

import socket
from pathlib import Path

import pytest

from rehearsal.control_plane.ports import Ports
from rehearsal.errors import RehearsalError
from rehearsal.supervisor.port_choice import (
    choose_ports,
    port_is_free,
    read_ports,
    write_ports,
)

KNOWN = {name: 25000 + i for i, name in enumerate(Ports.model_fields)}


def test_the_first_start_takes_different_free_ports_below_the_ephemeral_range() -> None:
    taken = set(range(20000, 20050))

    ports = choose_ports({}, held=(), is_free=lambda port: port not in taken)

    chosen = list(ports.model_dump().values())
    assert len(set(chosen)) == len(chosen)
    assert all(20000 <= port < 32768 and port not in taken for port in chosen)


def test_a_later_start_keeps_its_ports() -> None:
    assert choose_ports(KNOWN, held=(), is_free=lambda _: True).model_dump() == KNOWN


def test_only_a_port_that_someone_else_took_is_picked_anew() -> None:
    lost = KNOWN["kube_apiserver"]

    ports = choose_ports(KNOWN, held=(), is_free=lambda port: port != lost).model_dump()

    assert {name for name in KNOWN if ports[name] != KNOWN[name]} == {"kube_apiserver"}
    assert ports["kube_apiserver"] not in KNOWN.values()


def test_a_port_that_our_own_process_holds_is_kept() -> None:
    held = KNOWN["etcd"]

    ports = choose_ports(KNOWN, held={held}, is_free=lambda port: port != held)

    assert ports.etcd == held


def test_without_a_free_port_the_error_says_where_to_look() -> None:
    with pytest.raises(RehearsalError, match="ss -ltnp"):
        choose_ports({}, held=(), is_free=lambda _: False)


def test_a_listener_on_loopback_makes_a_port_taken() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen()
        assert not port_is_free(port)

    assert port_is_free(port)


def test_ports_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    write_ports(path, Ports.model_validate(KNOWN))

    assert read_ports(path) == KNOWN


@pytest.mark.parametrize("content", ['{"etcd": 25', "[]", '{"etcd": 25000}'])
def test_a_broken_file_of_ports_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(content)

    assert read_ports(path) == {}
