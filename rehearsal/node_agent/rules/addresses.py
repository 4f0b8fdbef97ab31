"""Pod addresses: loopback, so that every pod can bind the same port."""

from collections.abc import Container
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

_NETWORKS = tuple(IPv4Network("127.64.0.0/10").subnets(new_prefix=20))
"""Each for some 4,000 pods; far from 127.0.0.1, where everything else listens."""
_LAST_OCTETS = (0, 255)
"""Left out: programs take .0 for a network and .255 for a broadcast."""


def pod_network(folder: Path) -> IPv4Network:
    """The network of the rehearsal that keeps its pods in this folder.

    By the folder, so that two rehearsals on one machine do not share addresses.
    """
    digest = sha256(str(folder.resolve()).encode()).digest()
    return _NETWORKS[int.from_bytes(digest[:4], "big") % len(_NETWORKS)]


def next_address(network: IPv4Network, after: str | None, taken: Container[str]) -> str:
    """The first free address behind `after`, around the network, so that reuse comes late.

    `LookupError` if all are taken.
    """
    first, size = int(network.network_address), network.num_addresses
    start = int(IPv4Address(after)) - first + 1 if after else 1
    for offset in range(size):
        address = IPv4Address(first + (start + offset) % size)
        if address.packed[3] not in _LAST_OCTETS and str(address) not in taken:
            return str(address)
    raise LookupError(f"no pod address is free in {network}")
