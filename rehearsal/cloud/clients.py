"""Clients of AWS's stand-in, as any program on the machine would make them."""

from typing import Any

import boto3


class Clients:
    """Makes each client once; the access key is the secret key too."""

    def __init__(self, endpoint: str, region: str, access_key: str) -> None:
        self._session = boto3.Session(
            aws_access_key_id=access_key, aws_secret_access_key=access_key, region_name=region
        )
        self._endpoint = endpoint
        self._made: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return the client of a service, by its name in boto3."""
        if service not in self._made:
            made: Any = self._session.client(
                service,  # type: ignore[call-overload, unused-ignore]  # a name of several it lists
                endpoint_url=self._endpoint,
            )
            self._made[service] = made
        return self._made[service]
