"""Tells AWS's refusals apart, and tells them with the resource they are about."""

import re
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from rehearsal.errors import RehearsalError
from rehearsal.plugins.known import RefusedError

Answer = TypeVar("Answer")

# IAM says NoSuchEntity, EC2 InvalidVpcID.NotFound, EKS ResourceNotFoundException.
GONE = re.compile(r"NotFound|NoSuch|DoesNotExist")
NOT_IMPLEMENTED = 501


def is_gone(error: Exception) -> bool:
    """Whether AWS said that there is no such resource."""
    return isinstance(error, ClientError) and bool(GONE.search(code_of(error)))


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def asked(what: str, work: Callable[[], Answer]) -> Answer:
    """The work's answer; AWS's own words in a RefusedError, begun with `what`."""
    try:
        return work()
    except (EndpointConnectionError, BotoConnectionError, HTTPClientError) as error:
        raise unreachable(str(error)) from error
    except ClientError as error:
        raise RefusedError(f"{what}: {_words(error)}") from error
    except BotoCoreError as error:
        raise RefusedError(f"{what}: {error}") from error


def unreachable(why: str) -> RehearsalError:
    return RehearsalError(
        "the AWS stand-in does not answer",
        why,
        "start the rehearsal, which runs it, or set AWS_ENDPOINT_URL to where it listens",
    )


def _words(error: ClientError) -> str:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status == NOT_IMPLEMENTED or "NotYetImplemented" in str(error):
        return f"the AWS stand-in lacks {error.operation_name}"
    message = error.response.get("Error", {}).get("Message", "")
    return f"{code_of(error)}: {message} ({error.operation_name})"
