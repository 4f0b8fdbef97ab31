"""Ranges of IPv4 addresses: whose they are, and what is left of the internet without them."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
"""Networks of one's own (RFC 1918), and a carrier's or a cluster's (RFC 6598)."""
METADATA = ("169.254.169.254/32", "fd00:ec2::254/128")
"""Where a cloud tells a machine's own credentials to whoever asks from it."""
# No site of the internet has them (IANA's registry of special-purpose addresses); the last is
# multicast and all above it.
_NOBODYS = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "198.18.0.0/15", "224.0.0.0/3")


def internet(others: Iterable[str] = ()) -> tuple[str, ...]:
    """Ranges that make up the internet, without private ones and without `others`.

    They are listed, and not taken out of `0.0.0.0/0` by `except`: what one policy excepts, the VPC
    CNI denies to the pod even where another policy allows a wider range, and its older releases
    open more of a range within than its own ports (aws-network-policy-agent, fwruleprocessor).
    The broker's subnets would be such a range.
    """
    left = [IPv4Network("0.0.0.0/0")]
    for taken in map(IPv4Network, (*PRIVATE, *_NOBODYS, *others)):
        left = [part for each in left for part in _without(each, taken)]
    return tuple(str(each) for each in sorted(left))


def _without(whole: IPv4Network, taken: IPv4Network) -> Iterator[IPv4Network]:
    if whole.subnet_of(taken):
        return
    if taken.subnet_of(whole):
        yield from whole.address_exclude(taken)
    else:
        yield whole
