"""What the readers bring home from AWS, as plain values that the checks judge."""

import datetime as dt
from typing import NamedTuple


class InstanceType(NamedTuple):
    """What a node of a type offers."""

    name: str
    vcpus: int
    memory_mib: int
    gpus: int
    gpu_maker: str | None
    architectures: tuple[str, ...]
    spot: bool
    """Whether it can be had as a spot instance."""


class Zone(NamedTuple):
    """An availability zone; its id is the same in every account, its name is not."""

    name: str
    id: str


class Subnet(NamedTuple):
    """A subnet that is there already."""

    id: str
    vpc_id: str
    zone: str
    free_addresses: int


class KubernetesVersion(NamedTuple):
    """A version of EKS."""

    version: str
    status: str
    """AWS' own word: STANDARD_SUPPORT, EXTENDED_SUPPORT, UNSUPPORTED."""
    standard_until: dt.date | None
