"""What a made-up name is made of, as the engine tells it."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Self

from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.plugins.urns import name_of_urn


@dataclass(frozen=True)
class Naming:
    """How a resource without a name gets one."""

    logical: str
    """The resource's name in the program."""
    seed: bytes = b""
    """Makes preview and `up` agree where the engine gives one."""
    proposed: str = ""
    """The name that the stack's own naming rules (`pulumi:autonaming`) give."""
    is_disabled: bool = False

    @classmethod
    def of(cls, request: pb.CheckRequest) -> Self:
        options = request.autonaming if request.HasField("autonaming") else None
        return cls(
            name_of_urn(request.urn),
            request.randomSeed,
            options.proposed_name if options else "",
            bool(options and options.mode == pb.CheckRequest.AutonamingOptions.DISABLE),
        )

    def suffix(self, hex_digits: int) -> str:
        """What tells this resource's name from others', dash first."""
        digest = hashlib.sha256(self.seed).hexdigest() if self.seed else secrets.token_hex()
        return f"-{digest[:hex_digits]}"
