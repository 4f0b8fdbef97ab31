"""Valid stack files by chance."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Raw = dict[str, Any]

GROUPS: Mapping[str, Raw] = {
    "cpu": {"cpu": 16, "memoryMiB": 32768, "instanceType": "m"},
    "cold": {"cpu": 4, "memoryMiB": 8192, "headroom": False, "launchSeconds": 90},
    "gpu": {
        "cpu": 8,
        "memoryMiB": 65536,
        "gpu": 2,
        "instanceType": "g",
        "taints": [{"key": "nvidia.com/gpu"}],
    },
}
_LIMITS_S = {"interactive": 60, "batch": 1800, "long": 7200, "gpu": 7200}

queue_names = st.from_regex(r"[a-z0-9]([a-z0-9_.-]{0,10}[a-z0-9])?", fullmatch=True) | st.just(
    "q" * 63
)
worker_names = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True) | st.just("w" * 47)


@dataclass
class Stack:
    """One stack's configuration, and a worker of it with a queue that it serves."""

    raw: Raw
    worker: str
    queue: str

    @property
    def its_worker(self) -> Raw:
        found: Raw = self.raw["workers"][self.worker]
        return found

    @property
    def its_queue(self) -> Raw:
        found: Raw = self.raw["queues"][self.queue]
        return found

    @property
    def group(self) -> str:
        return str(self.its_worker["nodeGroup"])

    @property
    def its_group(self) -> Raw:
        found: Raw = self.raw["nodeGroups"][self.group]
        return found

    @property
    def limits_s(self) -> tuple[int, int]:
        """Soft and hard."""
        return self.its_queue["softTimeLimitSeconds"], self.its_queue["timeLimitSeconds"]


@st.composite
def objectives(draw: st.DrawFn, soft_s: int) -> Raw:
    typical_s = draw(st.floats(0.05, max(0.06, soft_s - 1), allow_subnormal=False))
    # At most 50 tasks at once: a simulation's size, not a rule.
    stated = {
        "typicalSeconds": typical_s,
        "perHour": draw(st.floats(0, 50 * 3600 / typical_s)),
        "burst": {"tasks": draw(st.integers(1, 500)), "withinSeconds": draw(st.floats(0.1, 600))},
        "toleratedWaitSeconds": draw(st.floats(0.5, 20_000)),
        "quantile": draw(st.sampled_from([0.5, 0.95, 0.99])),
        "spread": draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])),
    }
    left_out = draw(st.sampled_from([(), ("spread",), ("quantile", "perHour"), ("burst",)]))
    return {key: value for key, value in stated.items() if key not in left_out}


@st.composite
def peers(draw: st.DrawFn) -> Raw:
    """The other end of a connection; no range is as wide as to hold the cloud's metadata."""
    if draw(st.booleans()):
        high, low = draw(st.integers(0, 168)), draw(st.integers(0, 255))
        return {"cidr": draw(st.sampled_from([f"{high}.{low}.0.0/16", f"2001:{low:x}::/48"]))}
    return {"namespace": draw(st.sampled_from(["data", "n" * 63])), "podLabels": {"app": "a"}}


@st.composite
def destinations(draw: st.DrawFn) -> Raw:
    ports = draw(st.lists(st.integers(1, 65_535), min_size=1, max_size=3))
    return {**draw(peers()), "ports": ports, "protocol": draw(st.sampled_from(["TCP", "UDP"]))}


@st.composite
def network_policies(draw: st.DrawFn) -> Raw:
    return {
        "callers": draw(st.lists(peers(), max_size=2)),
        "scrapers": draw(st.lists(peers(), max_size=2)),
        "egress": draw(st.lists(destinations(), max_size=2)),
        "privateCidrs": draw(st.sampled_from([[], ["203.0.113.0/24", "8.0.0.0/6"]])),
    }


@st.composite
def queues(draw: st.DrawFn, part: str) -> Raw:
    kind = draw(st.sampled_from(sorted(_LIMITS_S)))
    hard = draw(st.integers(_LIMITS_S[kind], 20_000))
    # Above the typical seconds of the class, for whoever states none.
    soft = draw(st.integers(hard // 2 + 1, hard - 1))
    return {
        "class": kind,
        "routes": draw(st.sampled_from([[], [f"{part}.*"], [f"{part}.task", f"{part}.y_1.*"]])),
        "priorities": draw(st.booleans()),
        "priority": draw(st.integers(0, 10)),
        "softTimeLimitSeconds": soft,
        "timeLimitSeconds": hard,
        "maxEtaSeconds": draw(st.sampled_from([0, 0, 3600])),
        "maxConcurrency": draw(st.sampled_from([None, 1_000_000])),
        "objective": draw(objectives(soft)),
        "internetEgress": draw(st.booleans()),
        "egress": draw(st.lists(destinations(), max_size=2)),
    }


@st.composite
def pools(draw: st.DrawFn, pool: str) -> Raw:
    if pool != "prefork":
        slots = 1 if pool == "solo" else draw(st.integers(1, 16))
        return {"pool": pool, "concurrency": slots, "tasksKeepLimits": True}
    return {
        "pool": pool,
        "concurrency": draw(st.integers(1, 16)),
        "maxTasksPerChild": draw(st.none() | st.integers(1, 1000)),
        # At most 16 of them, in 8 GiB.
        "maxMemoryPerChildKiB": draw(st.none() | st.integers(1, 500_000)),
    }


@st.composite
def workers(draw: st.DrawFn, served: list[str]) -> Raw:
    group = draw(st.sampled_from(sorted(GROUPS)))
    cpu, memory = draw(st.sampled_from([("250m", "512Mi"), ("1.5", "1Gi"), ("4", "8Gi")]))
    low = draw(st.none() | st.integers(0, 4))
    high = draw(st.none() | st.integers(max(low or 0, 1), 50))
    pool = draw(st.sampled_from(["prefork", "prefork", "threads", "solo"]))
    stated = {
        "queues": served,
        "nodeGroup": group,
        **draw(pools(pool)),
        "resources": {
            "requests": {"cpu": cpu, "memory": memory},
            "limits": {"cpu": "4", "memory": "8Gi"},
            "gpu": 1 if group == "gpu" else 0,
        },
        "minReplicaCount": low,
        "maxReplicaCount": high,
        "cooldownPeriod": draw(st.none() | st.integers(1, 900)),
        "pollingInterval": draw(st.integers(1, 60)) if low == 0 else None,
        "podDeletionCost": draw(st.booleans()),
    }
    return {key: value for key, value in stated.items() if value is not None}


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Valid ones: one to four queues, on workers of their own or shared."""
    names = draw(st.lists(queue_names, min_size=1, max_size=4, unique=True))
    shared = draw(st.integers(1, len(names)))
    parts = [names[:shared], *([name] for name in names[shared:])]
    titles = draw(st.lists(worker_names, min_size=len(parts), max_size=len(parts), unique=True))
    raw = {
        "tier": draw(st.sampled_from(["prod", "staging", "preview", "local"])),
        "namespace": draw(st.sampled_from(["fleet", "n" * 63])),
        "image": "fleet/worker:1",
        "cluster": {"kind": "existing", "context": "c", "storageClass": "s"},
        "broker": {
            "kind": "existing",
            "connectionSecret": {"namespace": "a", "name": "b"},
            "keyPrefix": draw(st.sampled_from(["", "pr-7:"])),
            "delivery": draw(st.sampled_from(["lease", "stock"])),
            "maxConnections": 10**7,
        },
        "networkPolicy": draw(network_policies()),
        "nodeGroups": deepcopy(dict(GROUPS)),
        "prices": draw(st.sampled_from([{}, {"m": 1.0, "g": 4.0}])),
        "queues": {name: draw(queues(f"part{index}")) for index, name in enumerate(names)},
        "workers": {title: draw(workers(part)) for title, part in zip(titles, parts, strict=True)},
        "beat": {"maintenanceQueue": draw(st.sampled_from(names))},
    }
    return Stack(raw, titles[0], names[0])
