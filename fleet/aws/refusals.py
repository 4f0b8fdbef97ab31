"""What AWS or its SDK refused, in a sentence, and what the operator does about it.

An error's own text is shown only where its code is not known here: texts about signatures repeat
the request, session token included.
"""

from typing import NamedTuple

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

ERRORS = (BotoCoreError, ClientError, ResponseParserError, ValueError, OSError)
"""All that the SDK raises: a bad endpoint is a ValueError, an unreadable CA file an OSError."""
_LOG_IN = "run aws sso login, or renew the credentials, and ask again"
_LONGEST = 200


class Refusal(NamedTuple):
    """Why, and what helps."""

    why: str
    mend: str


_EXPIRED = Refusal("the credentials have expired", _LOG_IN)
_DENIED = Refusal("the credentials may not ask this", "allow them this call; it only reads")
_BUSY = Refusal("AWS answered that it is asked too often", "ask again in a minute")
_SILENT = Refusal(
    "the endpoint does not answer", "look at network, proxy and AWS_ENDPOINT_URL; then ask again"
)
_UNKNOWN_KEY = Refusal(
    "AWS does not know the access key",
    "check which profile is active (aws configure list); the key may be deleted, or of another "
    "partition (China, GovCloud)",
)
_CODES = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), _EXPIRED),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"), _UNKNOWN_KEY
    ),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException"), Refusal(
        "the secret key is not that of the access key, or this machine's clock is wrong",
        "copy both keys again, without blanks; compare the clock: date -u",
    )),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"),
        _DENIED,
    ),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"),
        _BUSY,
    ),
    "OptInRequired": Refusal(
        "the account has not signed up for the service, or the region is off",
        "open the service once in the console, or enable the region",
    ),
}  # fmt: skip
_KINDS: tuple[tuple[type[Exception], Refusal], ...] = (
    (sdk.NoCredentialsError, Refusal(
        "there are no AWS credentials",
        "run aws configure sso and export AWS_PROFILE, or export AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY",
    )),
    (sdk.PartialCredentialsError, Refusal(
        "the AWS credentials are incomplete: a key without its other half",
        "export both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither",
    )),
    (sdk.ProfileNotFound, Refusal(
        "AWS_PROFILE names a profile that ~/.aws/config does not have",
        "choose one of: aws configure list-profiles",
    )),
    (sdk.UnauthorizedSSOTokenError, _EXPIRED),
    (sdk.SSOTokenLoadError, _EXPIRED),
    (sdk.TokenRetrievalError, _EXPIRED),
    (sdk.CredentialRetrievalError, Refusal(
        "the credentials could not be fetched from where the profile points", _LOG_IN
    )),
    (sdk.ConnectionError, _SILENT),
    (sdk.HTTPClientError, _SILENT),
    (ResponseParserError, Refusal(
        "what answered is not AWS: its answer cannot be read",
        "look at proxy and AWS_ENDPOINT_URL; then ask again",
    )),
)  # fmt: skip


def explained(error: Exception) -> Refusal:
    """The sentence for an error of the SDK or of AWS."""
    if isinstance(error, ClientError):
        return _of_aws(error)
    for kind, refusal in _KINDS:
        if isinstance(error, kind):
            return refusal
    return Refusal(_short(str(error)), "correct the AWS settings (aws configure list)")


def _of_aws(error: ClientError) -> Refusal:
    told = error.response.get("Error", {})
    code = told.get("Code", "unknown")
    if code in _CODES:
        why, mend = _CODES[code]
        return Refusal(f"{why} ({error.operation_name}: {code})", mend)
    text = _short(told.get("Message", ""))
    return Refusal(f"{error.operation_name} answered {code}: {text}", "ask again")


def _short(text: str) -> str:
    """First line of a text, cut where it is long."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
