"""Where alerts go, as a whole configuration file of an Alertmanager without the operator."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import yaml

from infra.alerts.routes import Route, Routing
from infra.alerts.routes.inhibition import Inhibition, Matcher
from infra.alerts.routes.notice import Notice
from infra.alerts.routes.tree import GROUP_BY, SILENT
from infra.alerts.rule import duration

SECRETS = PurePosixPath("/etc/alertmanager/secrets")
"""Where the file looks for secrets, each in `<secret>/<key>`: as a Secret is mounted."""


def routes_file(routing: Routing, secrets: PurePosixPath = SECRETS) -> str:
    """What `alertmanager --config.file` reads; no secret is in it, only where each one lies."""
    document = {
        "route": {
            "receiver": SILENT,
            "group_by": list(GROUP_BY),
            "routes": [
                {
                    "receiver": SILENT,
                    "matchers": _matchers([Matcher("namespace", (routing.namespace,))]),
                    "routes": [_route(route) for route in routing.routes],
                }
            ],
        },
        "receivers": [{"name": SILENT}, *(_receiver(route, secrets) for route in routing.routes)],
        "inhibit_rules": [_inhibition(each) for each in routing.inhibitions],
    }
    return yaml.safe_dump(document, sort_keys=False, width=100)


def _route(route: Route) -> dict[str, Any]:
    return {
        "receiver": route.severity,
        "matchers": _matchers([Matcher("severity", (route.severity,))]),
        "group_wait": duration(route.pace.wait_s),
        "group_interval": duration(route.pace.interval_s),
        "repeat_interval": duration(route.pace.repeat_s),
    }


def _receiver(route: Route, secrets: PurePosixPath) -> dict[str, Any]:
    receiver: dict[str, Any] = {"name": route.severity}
    for notice in route.notices:
        receiver.setdefault(f"{notice.kind}_configs", []).append(_integration(notice, secrets))
    return receiver


def _integration(notice: Notice, secrets: PurePosixPath) -> dict[str, Any]:
    if notice.secret is None:
        return notice.fields
    field, place = notice.secret
    return notice.fields | {f"{field}_file": str(secrets / place.secret / place.key)}


def _inhibition(rule: Inhibition) -> dict[str, Any]:
    equal = {"equal": list(rule.equal)} if rule.equal else {}
    return {
        "source_matchers": _matchers(rule.cause),
        "target_matchers": _matchers(rule.silenced),
        **equal,
    }


def _matchers(matchers: Iterable[Matcher]) -> list[str]:
    return [f'{each.label}{each.operator}"{each.value}"' for each in matchers]
