"""What a fault is: whom it hits, what it does, what it undoes, and what it excuses."""

from dataclasses import dataclass, field
from typing import ClassVar

from chaos.field import Field
from chaos.record import Excuses
from chaos.worker import Place


@dataclass
class Fault:
    """One strike of one fault; a subclass says what it does, and its number on the command line."""

    number: ClassVar[int]
    name: ClassVar[str]
    strikes: ClassVar[int] = 1
    """How often it comes in an episode."""
    lasts_s: ClassVar[float] = 0.0
    """Between what it does and what it undoes."""
    alone: ClassVar[bool] = False
    """Whether it waits until no message of an earlier episode is left."""
    lingers: ClassVar[bool] = False
    """Whether the next episodes go on beside it, until one that would touch it."""
    touches_all: ClassVar[bool] = False
    """Whether it hits the broker itself, and with it whatever lingers."""
    excuses: Excuses = field(default_factory=Excuses)
    hit: list[Place] = field(default_factory=list)
    victims: list[str] = field(default_factory=list)
    """Names of the workers that it hits, each with its generation."""

    def choose(self, stage: Field) -> None:
        """Choose whom to hit; whatever must be there first is brought about."""

    def inject(self, stage: Field) -> None:
        """Do the harm."""
        raise NotImplementedError

    def heal(self, stage: Field) -> None:
        """Undo it, where a cluster or an operator would."""

    def aim(self, place: Place) -> None:
        """Hit a worker."""
        self.hit.append(place)
        self.victims.append(place.name)
