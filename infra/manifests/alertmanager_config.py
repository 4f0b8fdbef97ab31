"""Where alerts go, as Prometheus' operator reads it: an AlertmanagerConfig (v1alpha1).

The operator puts it below the Alertmanager's own route, for alerts of its namespace alone.
"""

from collections.abc import Iterable
from typing import Any

from infra.alerts.routes import Route, Routing
from infra.alerts.routes.inhibition import Inhibition, Matcher
from infra.alerts.routes.notice import Notice
from infra.alerts.routes.tree import GROUP_BY, SILENT
from infra.alerts.rule import duration
from infra.manifests import Manifest

API_VERSION = "monitoring.coreos.com/v1alpha1"
# Where the operator's spelling is other than Alertmanager's.
_FIELDS = {
    "send_resolved": "sendResolved",
    "routing_key": "routingKey",
    "api_url": "apiURL",
    "url": "urlSecret",
    "topic_arn": "topicARN",
}


def alertmanager_config(routing: Routing) -> Manifest:
    """Spec of the AlertmanagerConfig; secrets are named, and read by the operator."""
    own = Matcher("namespace", (routing.namespace,))
    return {
        "route": {
            "receiver": SILENT,
            "groupBy": list(GROUP_BY),
            "matchers": _matchers([own]),
            "routes": [_route(route) for route in routing.routes],
        },
        "receivers": [{"name": SILENT}, *(_receiver(route) for route in routing.routes)],
        "inhibitRules": [_inhibition(each) for each in routing.inhibitions],
    }


def _route(route: Route) -> Manifest:
    return {
        "receiver": route.severity,
        "matchers": _matchers([Matcher("severity", (route.severity,))]),
        "groupWait": duration(route.pace.wait_s),
        "groupInterval": duration(route.pace.interval_s),
        "repeatInterval": duration(route.pace.repeat_s),
    }


def _receiver(route: Route) -> Manifest:
    receiver: Manifest = {"name": route.severity}
    for notice in route.notices:
        receiver.setdefault(f"{notice.kind}Configs", []).append(_integration(notice))
    return receiver


def _integration(notice: Notice) -> Manifest:
    fields = {_FIELDS.get(name, name): value for name, value in notice.fields.items()}
    if "details" in fields:
        fields["details"] = [_pair(*each) for each in fields["details"].items()]
    if notice.secret is None:
        return fields
    field, place = notice.secret
    return fields | {_FIELDS[field]: {"name": place.secret, "key": place.key}}


def _pair(key: str, value: Any) -> Manifest:  # noqa: ANN401 - a template, or what becomes one
    return {"key": key, "value": value}


def _inhibition(rule: Inhibition) -> Manifest:
    equal = {"equal": list(rule.equal)} if rule.equal else {}
    return {
        "sourceMatch": _matchers(rule.cause),
        "targetMatch": _matchers(rule.silenced),
        **equal,
    }


def _matchers(matchers: Iterable[Matcher]) -> list[Manifest]:
    return [
        {"name": each.label, "value": each.value, "matchType": each.operator} for each in matchers
    ]
