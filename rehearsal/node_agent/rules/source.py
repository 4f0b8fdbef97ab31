"""Names the objects that a pod's environment and volumes are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SourceKind = Literal["ConfigMap", "Secret", "ServiceAccountToken"]
TOKEN_KEY = "token"  # noqa: S105 - the name of a key, not its value


@dataclass(frozen=True)
class Source:
    """One object of the pod's namespace; all but the first two fields are a token's."""

    kind: SourceKind
    name: str
    audience: str = ""
    lifetime_s: int = 0
    pod: str = ""
    """Name of the pod that the token is bound to, and that it ends with."""
    pod_uid: str = ""


SourceData = Mapping[Source, Mapping[str, bytes] | None]
"""What each object holds; None where there is no such object."""
