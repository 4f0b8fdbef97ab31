"""What a resource type of a stand-in has to answer."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.known import Known
from rehearsal.plugins.stand_in.rules import Rules
from rehearsal.plugins.urns import name_of_urn

Properties = dict[str, object]


@dataclass(frozen=True)
class Resource:
    """One resource of one call; values are plain, secrets included: never to be shown."""

    urn: str
    inputs: Properties
    log: Log
    id: str = ""
    old_inputs: Properties = field(default_factory=dict)
    old_state: Properties = field(default_factory=dict)
    timeout_s: float = 0.0
    """Its `customTimeouts`, 0 where none is set."""

    @property
    def name(self) -> str:
        """Its logical name."""
        return name_of_urn(self.urn)


class Kind(ABC):
    """One resource type; every method may raise RefusedError or RehearsalError."""

    token: str
    rules: Rules
    computed: frozenset[str] = frozenset()
    """Outputs that are known only after `up`."""

    def completed(self, inputs: Properties) -> Properties:
        """Fill in what the provider's own configuration adds."""
        return inputs

    def problems(self, inputs: Properties) -> Mapping[str, str]:
        """What is wrong with the inputs, by property; unknown values are `UNKNOWN`."""
        del inputs
        return {}

    def rehearse(self, resource: Resource) -> None:
        """Check, in a preview, a resource whose inputs are all known."""
        del resource

    @abstractmethod
    def create(self, resource: Resource) -> Known:
        """Make it.

        Raises:
            InitFailedError: it is there, but a later step failed.

        """

    @abstractmethod
    def read(self, resource: Resource) -> Known | None:
        """Tell how it is now; None if it is gone."""

    @abstractmethod
    def update(self, resource: Resource) -> Known:
        """Change it in place."""

    @abstractmethod
    def delete(self, resource: Resource) -> None:
        """Remove it; one that is gone already is as good."""


class Catalogue(ABC):
    """The resource types and functions of one provider."""

    replacing: frozenset[str] = frozenset()
    """Keys of the provider's configuration that mean other resources when they change."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        """Ends every wait."""

    @abstractmethod
    def configure(self, variables: Mapping[str, str]) -> None:
        """Take over the provider's configuration, keyed `package:config:name`."""

    @abstractmethod
    def kind(self, token: str) -> Kind:
        """Find a type; a RehearsalError names one that is not known."""

    def invoke(self, token: str, arguments: Properties) -> Properties | None:
        """Answer a function; None for one that is not known."""
        del token, arguments
        return None
