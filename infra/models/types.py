"""The named values that fields are made of, each with its limit and the limit's source."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from infra.models.ranges import METADATA

QueueName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?$", max_length=63)]
"""A Redis list and `-Q` argument; no colon, which separates priority steps in list names."""

# KEDA names the HPA `keda-hpa-<name>` and refuses one over 63 characters; `worker-` takes 7.
WORKER_NAME = re.compile(r"[a-z]([a-z0-9-]{0,45}[a-z0-9])?")
WorkerName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=47)]
"""Names the Deployment and ScaledObject `worker-<name>`."""

# A Kubernetes label value, as the namespace is one too (RFC 1123).
NamespaceName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]

# RFC 1123, as the API server checks most objects' names.
ObjectName = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", min_length=1, max_length=253)
]

NodeGroupName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=40)]

NodeName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$", max_length=63)
]
"""What stands before the `@` of a Celery node's name; `%` and `$` would be expanded in it."""

RouteGlob = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*\*?$")]
"""A task name, or its beginning with one `*` at the end."""

RateLimit = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?/[smh]$")]
"""Celery's `rate_limit` of one worker process: tasks per second, minute or hour."""

Priority = Annotated[int, Field(ge=0, le=10)]
"""0 (low) to 10 (high), as users count; kombu on Redis counts the other way round."""

CpuQuantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?m?$")]
"""CPU as Kubernetes writes it: `500m`, `2`."""

MemoryQuantity = Annotated[str, Field(pattern=r"^[0-9]+(Mi|Gi)$")]
"""Memory as Kubernetes writes it: `512Mi`, `8Gi`."""

UsdPerHour = Annotated[float, Field(ge=0)]

Port = Annotated[int, Field(ge=1024, le=65535)]
"""Above the privileged ports, since pods do not run as root."""


def _read_by(read: Callable[[str], object], what: str) -> AfterValidator:
    """Accept what a function of the standard library reads, in that function's own spelling."""

    def checked(text: str) -> str:
        try:
            return str(read(text))
        except ValueError as error:
            raise ValueError(f"{text!r} is no {what}: {error}") from None

    return AfterValidator(checked)


Cidr = Annotated[str, _read_by(IPv4Network, "IPv4 range")]
"""An IPv4 range; its address is the first of it."""


AnyCidr = Annotated[str, _read_by(ip_network, "range of addresses")]
"""An IPv4 or IPv6 range; its address is the first of it."""


def _without_metadata(cidr: str) -> str:
    whole = ip_network(cidr)
    for service in map(ip_network, METADATA):
        if service.version == whole.version and service.network_address in whole:
            raise ValueError(
                f"{cidr} holds {service.network_address}, where the cloud tells a node's "
                "credentials to whatever runs there; state ranges beside it"
            )
    return cidr


ReachableCidr = Annotated[AnyCidr, AfterValidator(_without_metadata)]
"""A range that pods may be let to."""

AnyPort = Annotated[int, Field(ge=1, le=65535)]

AwsRegion = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]

ZoneLetter = Annotated[str, Field(pattern=r"^[a-z]$")]
"""What an availability zone's name adds to its region's."""

RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/\S+$")]
