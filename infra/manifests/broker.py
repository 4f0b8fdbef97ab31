"""The fleet's own Secret about its broker, as workers, beat, API and KEDA each read it."""

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote

BROKER_CHECKSUM = "celery-fleet.dev/broker-checksum"
"""Annotation of every pod: changes with the broker's address or login."""
_LOGIN = ("host", "port", "username", "password")
_AUTHORITY = "ca.crt"
_MESSAGES_DB = 0
_RESULTS_DB = 1


def broker_secret(
    connection: Mapping[str, str], source: str, result_expires_s: int, *, authority: bool = True
) -> dict[str, str]:
    """Contents of the Secret `broker`.

    Args:
        connection: base64 values by key, as the connection secret holds them.
        source: key of the stack file and `namespace/name` of that secret, for errors.
        result_expires_s: how long a result is kept.
        authority: whether the secret has to name the CA of the server's certificate.

    Raises:
        ValueError: naming the keys that the connection secret lacks.

    """
    login, ca = _read(connection, source, authority=authority)
    return owned_broker_secret(*login, result_expires_s) | ca


def lesser_secret(
    connection: Mapping[str, str], source: str, *, authority: bool = True
) -> dict[str, str]:
    """Contents of a Secret with another login, of `broker-keda` or `broker-exporter`.

    Arguments and errors are those of `broker_secret`.
    """
    login, ca = _read(connection, source, authority=authority)
    return login_secret(*login) | ca


def _read(
    connection: Mapping[str, str], source: str, *, authority: bool
) -> tuple[tuple[str, int, str, str], dict[str, str]]:
    """Host, port, user name and password; and the CA by its key, if there has to be one."""
    required = (*_LOGIN, _AUTHORITY) if authority else _LOGIN
    if missing := [key for key in required if not connection.get(key)]:
        raise ValueError(f"{source} lacks {', '.join(missing)}: it needs {', '.join(required)}")
    given = {key: b64decode(connection[key]).decode() for key in required}
    login = given["host"], int(given["port"]), given["username"], given["password"]
    return login, {_AUTHORITY: given[_AUTHORITY]} if authority else {}


def owned_broker_secret(
    host: str, port: int, username: str, password: str, result_expires_s: int
) -> dict[str, str]:
    """Contents of the Secret `broker` where the system's own CAs vouch for the server."""
    login = f"{quote(username, safe='')}:{quote(password, safe='')}"
    # Celery's result backend refuses rediss:// without ssl_cert_reqs.
    url = f"rediss://{login}@{host}:{port}/{{db}}?ssl_cert_reqs=required"
    return {
        **login_secret(host, port, username, password),
        # By these another stack finds it, as its connection secret.
        "host": host,
        "port": str(port),
        "brokerUrl": url.format(db=_MESSAGES_DB),
        "resultBackend": url.format(db=_RESULTS_DB),
        "resultExpiresSeconds": str(result_expires_s),
    }


def producer_secret(contents: Mapping[str, str], key_prefix: str) -> dict[str, str]:
    """Contents of the Secret `broker-producer`: of such a broker, and what a sender must know."""
    return {**contents, "keyPrefix": key_prefix}


def login_secret(host: str, port: int, username: str, password: str) -> dict[str, str]:
    """An address and a login, as KEDA's redis scalers read them."""
    return {
        "address": f"{host}:{port}",
        "username": username,
        "password": password,
        "tls": "enable",
    }


def checksum(contents: Mapping[str, str]) -> str:
    """A mark that changes with the contents, so that pods which read them are rolled."""
    text = "\n".join(f"{key}={contents[key]}" for key in sorted(contents))
    return sha256(text.encode()).hexdigest()[:16]
