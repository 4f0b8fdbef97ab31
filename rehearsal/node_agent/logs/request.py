"""Reads a request for a container's log."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_PARTS = 4  # containerLogs, namespace, pod, container


@dataclass(frozen=True)
class LogRequest:
    """What `kubectl logs` asks for; timestamps are not kept, so that option is ignored."""

    namespace: str
    pod: str
    container: str
    tail_lines: int | None = None
    since_s: int | None = None
    limit_bytes: int | None = None
    follow: bool = False
    previous: bool = False


def log_request(target: str) -> LogRequest | None:
    """Read a request's target; None if it asks for something else than a log."""
    url = urlsplit(target)
    parts = [unquote(part) for part in url.path.strip("/").split("/")]
    if len(parts) != _PARTS or parts[0] != "containerLogs" or not all(map(_is_name, parts[1:])):
        return None
    options = {name: values[-1] for name, values in parse_qs(url.query).items()}
    return LogRequest(
        namespace=parts[1],
        pod=parts[2],
        container=parts[3],
        tail_lines=_number(options.get("tailLines")),
        since_s=_number(options.get("sinceSeconds")),
        limit_bytes=_number(options.get("limitBytes")),
        follow=options.get("follow") == "true",
        previous=options.get("previous") == "true",
    )


def _is_name(part: str) -> bool:
    # Only what Kubernetes allows: these become folder names.
    return _NAME.fullmatch(part) is not None


def _number(text: str | None) -> int | None:
    return int(text) if text else None
