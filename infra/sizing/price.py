"""What a pod costs: the share of a node that it takes, at the stack file's prices."""

from collections.abc import Mapping

from infra.models.cluster import NodeGroupSpec
from infra.models.placement import mebibytes, millicores
from infra.models.worker import Resources

HOURS_PER_MONTH = 730.0
DAYS_PER_MONTH = HOURS_PER_MONTH / 24


def pod_usd_per_hour(
    resources: Resources, group: NodeGroupSpec, prices: Mapping[str, float]
) -> float | None:
    """US dollars an hour of one pod; None where the node group has no price.

    A pod pays for the scarcest thing it asks for: CPU, memory or GPU.
    """
    if group.instance_type is None or group.instance_type not in prices:
        return None
    shares = [
        millicores(resources.requests.cpu) / (group.cpu * 1000),
        mebibytes(resources.requests.memory) / group.memory_mib,
    ]
    if group.gpu:
        shares.append(resources.gpu / group.gpu)
    return max(shares) * prices[group.instance_type]
