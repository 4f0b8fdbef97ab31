"""What holds for the properties of one resource type: which there are, and what a change means."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rehearsal.plugins.difference import is_same
from rehearsal.plugins.values import UNKNOWN

DEFAULTED = "__defaults"
"""Names the properties that the provider filled in, as the official bridged providers do."""


@dataclass(frozen=True)
class AutoName:
    """A physical name made of the logical one and a random suffix, where none is given."""

    property: str = "name"
    most: int = 255
    """Characters that the service allows."""


@dataclass(frozen=True)
class Rules:
    """The properties a program may set, by their Pulumi names."""

    properties: frozenset[str]
    replacing: frozenset[str] = frozenset()
    """A change at, below or above such a path makes a new resource."""
    defaults: Mapping[str, object] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    """Properties, set or computed, that are secret whether or not the program says so."""
    documents: frozenset[str] = frozenset()
    """JSON texts: equal when they say the same."""
    unordered: frozenset[str] = frozenset()
    """Lists that the service keeps as sets."""
    silent: frozenset[str] = frozenset()
    """Properties that steer the provider only: their change is no change of the resource."""
    auto_name: AutoName | None = None
    delete_first: bool = False
    """Whether old and new cannot exist side by side, whatever they are called."""

    def is_same(self, name: str, old: object, new: object) -> bool:
        """Whether two values of a property mean the same."""
        if new is UNKNOWN:
            return False
        if name in self.documents:
            return _document(old) == _document(new)
        if name in self.unordered and isinstance(old, list) and isinstance(new, list):
            return _sorted(old) == _sorted(new)
        return is_same(old, new)

    def is_replacing(self, path: tuple[str | int, ...]) -> bool:
        """Whether a change at `path` cannot be made in place."""
        names = [part for part in path if isinstance(part, str)]
        return any(
            all(one == other for one, other in zip(names, replacing.split("."), strict=False))
            for replacing in self.replacing
        )


def words(text: str) -> frozenset[str]:
    """Names separated by blanks."""
    return frozenset(text.split())


def _document(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def _sorted(items: Iterable[object]) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True, default=str) for item in items)
