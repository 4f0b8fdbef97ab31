"""What a preview costs a day: its pods' shares of the nodes that they ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.manifests.container import GPU
from infra.manifests.deployment import NODE_GROUP_LABEL
from infra.manifests.quota import Pods, pods
from infra.models.fleet import FleetConfig
from infra.models.worker import Resources
from infra.sizing.price import pod_usd_per_hour

_HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class Cost:
    """US dollars a day; None where `prices` of the stack file lacks one."""

    rest_usd: float | None
    """Workers at their minimum all day."""
    most_usd: float | None
    """Workers at their maximum all day."""

    def __str__(self) -> str:
        if self.rest_usd is None or self.most_usd is None:
            return "unknown: the base's stack file has no prices"
        return f"${self.rest_usd:.2f} at rest, ${self.most_usd:.2f} with its workers up all day"


def cost(config: FleetConfig) -> Cost:
    """Estimate a preview's own part; cluster, broker and idle nodes are its base's."""
    hourly = [(each, _hourly(config, each)) for each in pods(config)]
    return Cost(
        _day([(each.at_rest, usd) for each, usd in hourly]),
        _day([(each.most, usd) for each, usd in hourly]),
    )


def _day(counted: Sequence[tuple[int, float | None]]) -> float | None:
    known = [count * usd for count, usd in counted if usd is not None]
    return sum(known) * _HOURS_PER_DAY if len(known) == len(counted) else None


def _hourly(config: FleetConfig, each: Pods) -> float | None:
    """One pod's price; one that may run on any node is priced on the workers' first CPU group."""
    main = each.spec["containers"][0]["resources"]
    resources = Resources.model_validate(
        {
            "requests": {key: main["requests"][key] for key in ("cpu", "memory")},
            "limits": {key: main["limits"][key] for key in ("cpu", "memory")},
            "gpu": int(main["limits"].get(GPU, 0)),
        }
    )
    placed = each.spec.get("nodeSelector", {}).get(NODE_GROUP_LABEL)
    groups = config.node_groups
    of_cpus = (name for name, spec in groups.items() if not spec.gpu)
    group = placed or next(of_cpus, next(iter(groups)))
    return pod_usd_per_hour(resources, groups[group], config.prices)
