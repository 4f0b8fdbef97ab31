"""Connections to the broker that Celery does not make itself, and the TLS they all share."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from celery.exceptions import BackendError
from kombu.exceptions import KombuError
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker_image.confirm import NotConfirmedError
from worker_image.settings import Settings


class BrokerAwayError(Exception):
    """The broker did not answer, or not for enough of it; the same may be asked again later."""


@contextmanager
def answering() -> Iterator[None]:
    """Turn what Celery, kombu, redis-py and sockets raise into BrokerAwayError."""
    try:
        yield
    except NotConfirmedError as error:
        raise BrokerAwayError(str(error)) from error
    except (BackendError, KombuError, redis.RedisError, OSError) as error:
        raise BrokerAwayError(f"the broker does not answer: {type(error).__name__}") from error


def tls_options(settings: Settings) -> dict[str, object] | None:
    """Return redis-py's TLS options, or None for a plain connection.

    Kombu would fall back to no verification at all if it got none (connection.py, 5.7.0).
    """
    if not settings.tls:
        return None
    options: dict[str, object] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    if settings.environment.broker_ca_file is not None:
        options["ssl_ca_certs"] = str(settings.environment.broker_ca_file)
    return options


def client(settings: Settings, url: SecretStr, timeout_s: float) -> "redis.Redis":
    """Return a client that connects at first use and again in each forked child.

    Args:
        settings: hold the TLS options.
        url: the broker's or the result store's.
        timeout_s: of connecting and of each answer; one more try follows a broken connection.

    """
    return redis.Redis.from_url(
        url.get_secret_value(),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
        # What somebody pushed there is read all the same, and told.
        encoding_errors="replace",
        **(tls_options(settings) or {}),
    )
