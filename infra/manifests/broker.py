"""The fleet's own Secret about its broker, as workers, beat, API and KEDA each read it."""

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote

_REQUIRED = ("host", "port", "username", "password", "ca.crt")
_MESSAGES_DB = 0
_RESULTS_DB = 1


def broker_secret(
    connection: Mapping[str, str], source: str, result_expires_s: int
) -> dict[str, str]:
    """Contents of the Secret `broker`.

    Args:
        connection: base64 values by key, as the connection secret holds them.
        source: `namespace/name` of that secret, for errors.
        result_expires_s: how long a result is kept.

    Raises:
        ValueError: naming the keys that the connection secret lacks.

    """
    if missing := [key for key in _REQUIRED if not connection.get(key)]:
        raise ValueError(
            f"broker.connectionSecret {source} lacks {', '.join(missing)}: it needs "
            f"{', '.join(_REQUIRED)}"
        )
    host, port, username, password, ca = (b64decode(connection[k]).decode() for k in _REQUIRED)
    login = f"{quote(username, safe='')}:{quote(password, safe='')}"
    # Celery's result backend refuses rediss:// without ssl_cert_reqs.
    url = f"rediss://{login}@{host}:{port}/{{db}}?ssl_cert_reqs=required"
    return {
        "address": f"{host}:{port}",
        "username": username,
        "password": password,
        "tls": "enable",
        "ca.crt": ca,
        "brokerUrl": url.format(db=_MESSAGES_DB),
        "resultBackend": url.format(db=_RESULTS_DB),
        "resultExpiresSeconds": str(result_expires_s),
    }


def checksum(contents: Mapping[str, str]) -> str:
    """A mark that changes with the contents, so that pods which read them are rolled."""
    text = "\n".join(f"{key}={contents[key]}" for key in sorted(contents))
    return sha256(text.encode()).hexdigest()[:16]
