"""What a call of the engine is about: one resource, and what is known of it afterwards."""

from dataclasses import dataclass, field

from rehearsal.plugins.kubernetes_provider import state
from rehearsal.plugins.kubernetes_provider.inputs import Inputs
from rehearsal.plugins.kubernetes_provider.objects import Kind, Manifest, mapping
from rehearsal.plugins.values import Unknown, holds, plain, secret_texts


@dataclass(frozen=True)
class Resource:
    """One resource of one call."""

    urn: str
    kind: Kind
    """By its type; an object may state another one."""
    inputs: Inputs
    old_state: Inputs = field(default_factory=dict)
    timeout_s: float = 0.0
    """Its `customTimeouts`, 0 where none is set."""
    preview: bool = False
    ignored: tuple[str, ...] = ()
    """Its `ignoreChanges`."""

    @property
    def manifest(self) -> Manifest:
        """The inputs without secret marks; never to be shown."""
        return dict(mapping(plain(self.inputs)))

    @property
    def is_known(self) -> bool:
        """Whether no input waits for another resource."""
        return not holds(self.inputs, Unknown)

    def censored(self, message: str) -> str:
        """A message of the API server, which may quote a field, without the secrets."""
        for secret in sorted(secret_texts(self.inputs), key=len, reverse=True):
            message = message.replace(secret, "[secret]")
        return message

    @property
    def manager(self) -> str:
        return state.field_manager(self.urn, self.inputs, self.old_state)
