"""Chooses free loopback ports once and keeps them; only a port in use is chosen anew."""

import json
import random
import socket
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from rehearsal.control_plane.files import write_if_changed
from rehearsal.control_plane.ports import Ports
from rehearsal.errors import RehearsalError

# Below Linux's ephemeral range (32768 on): there, an outgoing connection could take the port
# of a program while it restarts.
_FIRST, _LAST = 20_000, 29_999


def port_is_free(port: int) -> bool:
    """Whether nothing listens on the port, on any address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections that ended a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Choose ports that nothing listens on, for programs that keep none."""
    return list(islice(_candidates(port_is_free, ()), count))


def choose_ports(
    known: dict[str, int], held: Collection[int], is_free: Callable[[int], bool] = port_is_free
) -> Ports:
    """Keep each known port that is free or `held` by our own processes; choose the others.

    Raises:
        RehearsalError: no free port is left.

    """
    fresh = _candidates(is_free, {*known.values(), *held})
    chosen = {}
    for name in Ports.model_fields:
        port = known.get(name)
        keep = port is not None and (port in held or is_free(port))
        chosen[name] = port if keep else next(fresh, None)
    if None in chosen.values():
        raise RehearsalError(
            what="There is no free port for the rehearsal.",
            why=f"every loopback port from {_FIRST} to {_LAST} is taken",
            mend="end some of the programs that listen there (`ss -ltnp` shows them)",
            where=f"127.0.0.1:{_FIRST}-{_LAST}",
        )
    return Ports.model_validate(chosen)


def read_ports(path: Path) -> dict[str, int]:
    """Read the ports of the last start; empty when there are none or the file is broken."""
    try:
        return Ports.model_validate_json(path.read_text()).model_dump()
    except (FileNotFoundError, NotADirectoryError, ValidationError, UnicodeDecodeError):
        return {}


def write_ports(path: Path, ports: Ports) -> None:
    """Keep them for the next start.

    Raises:
        RehearsalError: the state folder cannot be written.

    """
    write_if_changed(path, json.dumps(ports.model_dump(), indent=1))


def _candidates(is_free: Callable[[int], bool], avoid: Collection[int]) -> Iterator[int]:
    # A random beginning: two stages that start at once hardly ever try the same ports.
    count = _LAST - _FIRST + 1
    begin = random.randrange(count)  # noqa: S311 - no secret
    for step in range(count):
        port = _FIRST + (begin + step) % count
        if port not in avoid and is_free(port):
            yield port
