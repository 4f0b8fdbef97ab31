"""What else a cluster needs: KEDA and a metrics stack, made by this stack or there already."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from infra.models.base import Spec
from infra.models.image import ImageReference
from infra.models.receivers import Receivers

EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Percent = Annotated[float, Field(gt=0, le=100)]


class AddOnSpec(Spec):
    """A part of the cluster that others may have installed."""

    kind: Literal["release", "existing"]
    """Installed by this stack as a Helm release, or there already and left alone."""


class MonitoringSpec(AddOnSpec):
    """The metrics stack, and what this stack asks of it: scrapes and alert rules."""

    rules: bool = Field(default_factory=lambda given: given.get("kind") == "release")
    """Whether Prometheus' operator is there to read this stack's PrometheusRule and PodMonitor, and
    Grafana its dashboards; where the stack installs them, unless stated."""
    labels: Mapping[str, str] = {}
    """Put on both, and on dashboards, where an existing operator or Grafana selects by labels."""
    grafana_url: str | None = Field(default=None, pattern=r"^https?://[^\s{}]*[^\s{}/]$")
    """Where Grafana is reached; alerts then link to the dashboard of what they tell of."""
    runbooks_url: str = Field(
        default="docs/runbooks", alias="runbooksUrl", pattern=r"^[^\s{}]*[^\s{}/]$"
    )
    """Where this repository's `docs/runbooks` can be read; alerts link to its pages."""
    receivers: Receivers = Receivers()
    """Who hears of alerts: an AlertmanagerConfig beside the rules, or `fleet alerts --routes`."""
    redis_exporter: bool = Field(
        default_factory=lambda given: given.get("rules", False), alias="redisExporter"
    )
    """Whether this stack runs a redis_exporter, which tells of the broker; where the stack's rules
    are read, unless stated. Rules on the broker read any other's that carries the stack's
    `namespace` as well."""
    redis_exporter_image: ImageReference | None = None
    """A copy of redis_exporter's image, for a cluster that pulls from registries of its own; unset
    means the release that this program pins."""
    paused_hours: PositiveInt = 4
    """How long a scaler may be paused before it counts as forgotten."""
    campaign_idle_hours: PositiveInt = 6
    """How long a queue may be idle while a campaign is on (`fleet campaign start`)."""


class CloudAlarms(Spec):
    """CloudWatch alarms on what Kubernetes cannot see, and who hears of them."""

    emails: tuple[EmailAddress, ...] = ()
    """Each confirms once, by a link that AWS sends."""
    engine_cpu_percent: Percent = 80
    """Of one core: the engine runs commands on one thread."""
    memory_percent: Percent = 70
    """A full broker refuses publishes; failover and snapshots need room too."""
    connections_percent: Percent = 80
    """Of `broker.maxConnections`."""
    replication_lag_s: PositiveFloat = Field(default=10.0, alias="replicationLagSeconds")
    """Messages published since would be lost by a failover."""
    monthly_budget_usd: PositiveFloat | None = None
    """Warns at 80 % of it spent and 100 % forecast, for what carries this stack's tag."""
