"""The boto3 clients of one configured provider."""

import threading
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

# Of one call; a stand-in on this machine answers in milliseconds.
READ_TIMEOUT_S = 60
CONNECT_TIMEOUT_S = 3


class Clients:
    """One region of one endpoint; safe to use from many threads, as clients are."""

    def __init__(self, endpoint: str | None, region: str) -> None:
        self.endpoint = endpoint
        self.account = ""
        """Its number; known once `identify` was asked."""
        self.region = region
        self.cancelled = threading.Event()
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        config = Config(
            retries={"mode": "standard", "max_attempts": 3},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            # The engine makes many resources at once.
            max_pool_connections=64,
        )
        # botocore's model types are made at run time, so a client is Any.
        self._make = partial(
            boto3.session.Session().client,
            region_name=region,
            endpoint_url=endpoint,
            config=config,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - the stand-in checks none
        )

    def client(self, service: str) -> Any:  # noqa: ANN401 - see above
        """The service's client, made at its first use: that takes a tenth of a second."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def identify(self) -> None:
        """Ask whose account it is, which also shows that somebody answers."""
        self.account = self.client("sts").get_caller_identity()["Account"]

    def operation(self, service: str, method: str) -> Any:  # noqa: ANN401 - botocore's model
        """Botocore's model of one method."""
        client = self.client(service)
        return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
