"""What one receiver is sent, in Alertmanager's own field names and templates."""

from dataclasses import dataclass
from typing import Any, Literal

from infra.alerts.rule import Severity
from infra.models.receivers import (
    PagerDutyReceiver,
    Receiver,
    SecretKey,
    SlackReceiver,
    SnsReceiver,
)

Kind = Literal["pagerduty", "slack", "webhook", "sns"]

_TITLE = (
    "{{ .Status | toUpper }} {{ .CommonLabels.stack }}: {{ .GroupLabels.alertname }}"
    "{{ with .GroupLabels.worker }} {{ . }}{{ else }}{{ with .GroupLabels.queue }} {{ . }}"
    "{{ end }}{{ end }}"
)
_TEXT = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n"
    "{{ .Annotations.runbook_url }}\n{{ end }}"
)
# Alertmanager's own would name every label: SNS refuses a subject above 100 characters (Publish).
_SUBJECT = (
    '{{ .Status | toUpper }} {{ printf "%.32s" .CommonLabels.stack }}: {{ .GroupLabels.alertname }}'
    '{{ with .GroupLabels.queue }} {{ printf "%.28s" . }}{{ end }}'
)
# PagerDuty's words, of its Events API v2.
_PAGERDUTY: dict[Severity, str] = {"page": "critical", "ticket": "warning"}


@dataclass(frozen=True)
class Notice:
    """One integration of a receiver."""

    kind: Kind
    fields: dict[str, Any]
    """What anyone may read."""
    secret: tuple[str, SecretKey] | None = None
    """The field that nobody may read, and where its value is."""


def notice(receiver: Receiver, severity: Severity, topic_arn: object, region: str | None) -> Notice:
    """What is sent to a receiver of an urgency.

    Args:
        receiver: as the stack file states it.
        severity: of the alerts that it is sent.
        topic_arn: the stack's own topic; a string, or what becomes one.
        region: of that topic.

    """
    ends = {"send_resolved": True}
    if isinstance(receiver, PagerDutyReceiver):
        texts = {"description": _TITLE, "severity": _PAGERDUTY[severity]}
        details = {"details": {"told": _TEXT}}
        return Notice("pagerduty", ends | texts | details, ("routing_key", receiver.routing_key))
    if isinstance(receiver, SlackReceiver):
        texts = {"channel": receiver.channel, "title": _TITLE, "text": _TEXT}
        return Notice("slack", ends | texts, ("api_url", receiver.url))
    if isinstance(receiver, SnsReceiver):
        arn = receiver.topic_arn
        where = {
            "topic_arn": arn or topic_arn,
            "sigv4": {"region": arn.split(":")[3] if arn else region},
        }
        return Notice("sns", ends | where | {"subject": _SUBJECT, "message": _TEXT})
    return Notice("webhook", ends, ("url", receiver.url))
