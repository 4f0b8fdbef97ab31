"""A message counts as sent once replicas have it too, where the fleet asks for that."""

from dataclasses import dataclass
from typing import Any

from kombu.exceptions import OperationalError

CONFIRM_REPLICAS = "confirm_replicas"
"""Transport option of whoever publishes: how many replicas must have a message; 0 asks none."""

# Replicas of one region answer within milliseconds. Below the API's patience with one answer, 2 s.
CONFIRM_MS = 1000


class NotConfirmedError(OperationalError):
    """The primary has the message; too few replicas have told in time that they have it too."""


@dataclass(frozen=True)
class Confirming:
    """Takes the place of redis-py's client for a command that sends a message."""

    client: Any
    replicas: int

    def execute_command(self, *words: object) -> Any:  # noqa: ANN401 - the command's answer
        """Run a command and wait until replicas have what it wrote; returns the command's answer.

        Both go out together over one connection: WAIT (Redis 3.0) asks about what its own
        connection has written. So a command that is tried again must write again, however little,
        or it is confirmed at once.

        Raises:
            NotConfirmedError: too few have it yet; it may be tried again.
            redis.RedisError: of the command.

        """
        with self.client.pipeline(transaction=False) as pipe:
            pipe.execute_command(*words)
            pipe.execute_command("WAIT", self.replicas, CONFIRM_MS)
            answers = pipe.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        told, confirmed = answers
        if confirmed < self.replicas:
            raise NotConfirmedError(
                f"{confirmed} replicas of the broker have confirmed the message within "
                f"{CONFIRM_MS} ms, and broker.confirmReplicas is {self.replicas}"
            )
        return told
