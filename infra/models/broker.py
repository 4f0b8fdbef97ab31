"""Where messages wait: a Redis or Valkey server, reached with TLS and a password only."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, NonNegativeInt, PositiveInt

from infra.models.base import Spec
from infra.models.network_policy import Place
from infra.models.types import NamespaceName, ObjectName

KeyPrefix = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*:)?$")]


class ConnectionSecret(Spec):
    """A Kubernetes Secret that whoever runs the broker publishes.

    Keys: `host`, `port`, `username`, `password`, and `ca.crt` unless `authority` is `system`.
    Another stack's own Secret `broker` has them too. Crossplane, ACK and External Secrets
    write such secrets, and so does the rehearsal.
    """

    namespace: NamespaceName
    name: ObjectName


class BrokerAddress(NamedTuple):
    """Where a broker answers, as its connection secret says."""

    host: str
    port: int


class BrokerUse(Spec):
    """How the fleet uses its broker, whoever owns it."""

    key_prefix: KeyPrefix = ""
    """Put before every key of the fleet; ends in a colon."""
    result_expires_s: PositiveInt = Field(default=86_400, alias="resultExpiresSeconds")
    """How long a result is kept; results lie in database 1, messages in database 0."""
    delivery: Literal["lease", "stock"] = "lease"
    """How messages reach workers. `lease`: taken and recorded in one step of the server, and
    renewed while a worker holds them. `stock`: as kombu does, by its visibility timeout alone."""
    visibility_timeout_s: PositiveInt | None = Field(default=None, alias="visibilityTimeoutSeconds")
    """Seconds until an unacknowledged message is delivered again; derived unless stated. With
    leases, since its worker last renewed it."""
    delivery_limit: PositiveInt = 5
    """How often a message is delivered; one that never ends its task is parked after that."""
    confirm_replicas: NonNegativeInt = 0
    """How many replicas must have a message before its publish returns; 0 asks none. While fewer
    are there, nothing can be published."""


class ExistingBroker(BrokerUse):
    """A broker that this stack does not own."""

    kind: Literal["existing"]
    connection_secret: ConnectionSecret
    keda_secret: ConnectionSecret | None = None
    """Another login for KEDA, as of a user that may count; `connectionSecret`'s unless stated."""
    exporter_secret: ConnectionSecret | None = None
    """Another login for redis_exporter, as of a user that may read figures; likewise."""
    authority: Literal["secret", "system"] = "secret"
    """Who vouches for its certificate: `ca.crt` of the connection secret, or the CAs that every
    system knows, as of ElastiCache's."""
    at: tuple[Place, ...] = ()
    """Where it is, for network policies; unset means its host, where that is an address, else the
    namespace that its host names, else every private range. The port is its secret's."""
    max_connections: PositiveInt = 10_000
    """Clients the server takes; Redis' own default of `maxclients`."""
    replicas: NonNegativeInt = 0
    """How many replicas it has, for `confirmReplicas`."""

    @property
    def publishes_ca(self) -> bool:
        """Whether its certificate is signed by a CA that only its connection secret knows."""
        return self.authority == "secret"
