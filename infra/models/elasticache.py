"""A Valkey or Redis on ElastiCache that this stack makes: one shard, TLS, users, no eviction."""

from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from infra.models.base import Spec
from infra.models.broker import BrokerUse

_NO_TRANSPORT = (
    "kombu has no transport for Redis Cluster: queue, priority steps and in-flight hash of one "
    "message lie in different slots, and its scripts end with CROSSSLOT"
)
# Keys of other ElastiCache modules, and why a Celery broker cannot have them.
_REFUSED = {
    "clusterMode": f"cluster mode: {_NO_TRANSPORT}",
    "numNodeGroups": f"shards mean cluster mode: {_NO_TRANSPORT}",
    "shards": f"shards mean cluster mode: {_NO_TRANSPORT}",
    "serverless": f"a serverless cache is in cluster mode: {_NO_TRANSPORT}",
    "durability": f"ElastiCache keeps a durable log in cluster mode only: {_NO_TRANSPORT}",
    "dataTiering": "data on disk is for caches: a queue is read from its end at memory's speed",
}
PORT = 6379
_MIN_FOR_FAILOVER = 2
# Of Valkey, and of what ElastiCache for Redis OSS calls ACL improvements (its engine versions).
_FIRST_MAJOR = 7

ElastiCacheUser = Literal["blue", "green"]


class Credentials(Spec):
    """Two users with the same rights; the fleet logs in as the active one.

    Rotation: raise the other one's number and make it active, in one `pulumi up`. The former
    user stays valid, so that no pod is ever without a login.
    """

    active: ElastiCacheUser = "blue"
    blue: PositiveInt = 1
    """Raised for a new password of user blue."""
    green: PositiveInt = 1
    keda: PositiveInt = 1
    """Raised for a new password of KEDA's user; replicas stand still until KEDA has read it."""
    exporter: PositiveInt = 1
    """Raised for a new password of the user that redis_exporter logs in as."""
    producer: PositiveInt = 1
    """Raised for a new password of the user that applications send tasks as."""


class ElastiCacheBroker(BrokerUse):
    """A replication group with cluster mode disabled."""

    kind: Literal["elasticache"]
    engine: Literal["valkey", "redis"] = "valkey"
    version: str = Field(default="8.1", pattern=r"^[0-9]+\.[0-9]+$")
    """Minor version of the engine; patches come by themselves in the maintenance window."""
    node_type: str = Field(default="cache.t4g.small", pattern=r"^cache\.[a-z0-9-]+\.[a-z0-9]+$")
    nodes: int = Field(default=1, ge=1, le=6)
    """One primary and its replicas, in different zones."""
    failover: bool = Field(default_factory=lambda given: given.get("nodes", 1) > 1)
    """Whether a replica takes over from a lost primary; where there is one, unless stated."""
    maxmemory_policy: str = "noeviction"
    snapshot_days: NonNegativeInt = Field(default=0, alias="snapshotDays")
    """How long daily snapshots are kept; 0 takes none."""
    snapshot_window: str = Field(default="02:00-03:00", pattern=r"^\d\d:\d\d-\d\d:\d\d$")
    """UTC."""
    maintenance_window: str = Field(
        default="sun:03:30-sun:04:30", pattern=r"^[a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d$"
    )
    """UTC; when nodes are patched, each with a failover."""
    client_security_group_ids: tuple[str, ...] = ()
    """Of nodes that this stack does not make and that may connect; its own always may."""
    credentials: Credentials = Credentials()
    max_connections: PositiveInt = 65_000
    """Clients a node takes; ElastiCache's fixed `maxclients` (its parameter reference)."""

    @model_validator(mode="before")
    @classmethod
    def _no_other_kind_of_cache(cls, raw: Any) -> Any:  # noqa: ANN401 - unvalidated input
        given = raw if isinstance(raw, dict) else {}
        refused = [key for key in _REFUSED if given.get(key) not in {None, False, "disabled"}]
        if refused:
            told = (f"{key} is {given[key]!r}; {_REFUSED[key]}" for key in refused)
            raise ValueError("; ".join(told))
        return {key: value for key, value in given.items() if key not in _REFUSED} or raw

    @model_validator(mode="after")
    def _nothing_is_lost(self) -> Self:
        if self.maxmemory_policy != "noeviction":
            raise ValueError(
                f"maxmemoryPolicy is {self.maxmemory_policy!r}; a broker's is noeviction: any "
                "other lets a full cache drop messages that nobody has run"
            )
        if self.failover and self.nodes < _MIN_FOR_FAILOVER:
            raise ValueError(
                f"failover is true with nodes {self.nodes}: there is no replica that could take "
                f"over; it needs nodes {_MIN_FOR_FAILOVER} at least"
            )
        return self

    @model_validator(mode="after")
    def _users_can_be_confined(self) -> Self:
        if self._major < _FIRST_MAJOR:
            raise ValueError(
                f"version is {self.version!r}; the least is {_FIRST_MAJOR}.0: earlier servers know "
                "no user with some commands on some keys, nor PEXPIRETIME, which publishers call"
            )
        return self

    @property
    def replicas(self) -> int:
        """Nodes beside the primary."""
        return self.nodes - 1

    @property
    def publishes_ca(self) -> bool:
        """False: Amazon's CA is among every system's own."""
        return False

    @property
    def parameter_family(self) -> str:
        """Family of the parameter group: `valkey8`, `redis7`."""
        return f"{self.engine}{self._major}"

    @property
    def parameter_families(self) -> tuple[str, ...]:
        """Families that the broker may be on: its own, and those of the majors before it.

        A major version that waits for the maintenance window leaves the broker on the former one.
        """
        former = range(_FIRST_MAJOR, self._major)
        return (*(f"{self.engine}{major}" for major in former), self.parameter_family)

    @property
    def _major(self) -> int:
        return int(self.version.split(".", 1)[0])
