"""Who hears of alerts, by urgency; their secrets are named, and stand in no stack file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from infra.models.base import Spec
from infra.models.tier import TIERS
from infra.models.types import ObjectName

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig

TopicArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:\S+$")]


class SecretKey(Spec):
    """A key of a Secret in the fleet's own namespace, where whoever runs the stack puts it.

    Prometheus' operator reads it there; Pulumi never does, so its value is in no state.
    """

    secret: ObjectName
    # As the API server checks a Secret's keys.
    key: str = Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)

    @model_validator(mode="before")
    @classmethod
    def _is_named(cls, raw: Any) -> Any:  # noqa: ANN401 - unvalidated input
        if isinstance(raw, str):
            raise ValueError(  # noqa: TRY004 - the only kind that pydantic collects
                "a secret in plain; put it in a Secret of the fleet's namespace and name that: "
                "{ secret: alert-receivers, key: ... }"
            )
        return raw


class PagerDutyReceiver(Spec):
    """An incident of a PagerDuty service."""

    kind: Literal["pagerduty"]
    routing_key: SecretKey
    """Of the service's integration "Events API v2"."""


class SlackReceiver(Spec):
    """A message in a channel."""

    kind: Literal["slack"]
    url: SecretKey
    """Of an incoming webhook."""
    channel: str = Field(pattern=r"^[#@][^\s{}]+$")


class WebhookReceiver(Spec):
    """A POST with Alertmanager's own JSON."""

    kind: Literal["webhook"]
    url: SecretKey


class SnsReceiver(Spec):
    """A message to an SNS topic; Alertmanager's own AWS identity has to be allowed to publish."""

    kind: Literal["sns"]
    topic_arn: TopicArn | None = None
    """Left out: this stack's own, to which its CloudWatch alarms go as well."""


Receiver = Annotated[
    PagerDutyReceiver | SlackReceiver | WebhookReceiver | SnsReceiver, Field(discriminator="kind")
]


class Receivers(Spec):
    """Who hears of what; an alert that nobody is stated for is kept, and told to nobody."""

    page: tuple[Receiver, ...] = ()
    """Of alerts that may wake someone: those of a tier that pages."""
    ticket: tuple[Receiver, ...] = ()
    """Of alerts that can wait for the morning."""

    @property
    def stated(self) -> bool:
        """Whether anyone hears of anything."""
        return bool(self.page or self.ticket)

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Every key that a receiver reads, each once."""
        named = (
            each.routing_key if isinstance(each, PagerDutyReceiver) else each.url
            for each in (*self.page, *self.ticket)
            if not isinstance(each, SnsReceiver)
        )
        return tuple(dict.fromkeys(named))

    @property
    def own_topic(self) -> bool:
        """Whether one of them is the stack's own topic."""
        return any(
            isinstance(each, SnsReceiver) and each.topic_arn is None
            for each in (*self.page, *self.ticket)
        )


def receiver_problems(fleet: "FleetConfig") -> Iterator[str]:
    """Alerts that nobody would hear of, and receivers that nothing would be sent to."""
    receivers, pages = fleet.monitoring.receivers, TIERS[fleet.tier].pages
    if pages and receivers.ticket and not receivers.page:
        yield (
            "monitoring.receivers.page is empty and ticket is not: tier "
            f"{fleet.tier} pages, and its pages would reach nobody"
        )
    if receivers.page and not pages:
        yield (
            f"monitoring.receivers.page is without effect in tier {fleet.tier}: every alert of it "
            "is a ticket; state monitoring.receivers.ticket"
        )
    if receivers.own_topic and not fleet.on_aws:
        yield (
            "monitoring.receivers: an sns receiver lacks topicArn, and this stack makes no topic "
            "of its own: it owns nothing on AWS"
        )
