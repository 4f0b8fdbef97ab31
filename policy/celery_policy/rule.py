"""What a rule is: its name, what it decides, how much it weighs, what can be set about it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from celery_policy.resource import Resource, Stack
from celery_policy.tree import NotKnownError

Level = Literal["advisory", "mandatory", "disabled"]
Severity = Literal["low", "medium", "high", "critical"]
Settings = Mapping[str, Any]

PRODUCTION = r"(^|[-_.])prod(uction)?([-_.]|$)"
"""Which stacks are production unless the configuration says otherwise, by name."""
PREVIEW = r"(^|[-_.])(preview|review|pr)([-_.0-9]|$)"
"""Which stacks are previews of a branch, likewise."""
THROWAWAY = rf"^(local|dev|test)$|{PREVIEW}"
"""Those, and one person's own."""


@dataclass(frozen=True)
class Finding:
    """A violation; or, where `is_known` is false, what could not be looked at yet."""

    text: str
    resource: Resource | None = None
    is_known: bool = True


@dataclass(frozen=True)
class Setting:
    """One key of a rule's configuration: what holds if nobody sets it, and its JSON schema."""

    default: object
    schema: Mapping[str, object]


@dataclass(frozen=True)
class Rule:
    """One rule, without its function."""

    name: str
    description: str
    severity: Severity
    remedy: str
    level: Level = "mandatory"
    settings: Mapping[str, Setting] = field(default_factory=dict)
    stacks: str | None = None
    """Stacks that it is about, as a pattern of their names; None: all."""
    but_stacks: str | None = None
    """Stacks that it is not about."""

    def is_about(self, stack: str, settings: Settings) -> bool:
        """Whether stacks of this name are held to the rule."""
        wanted = settings.get("stacks", self.stacks)
        excused = settings.get("butStacks", self.but_stacks)
        if wanted is not None and not re.search(wanted, stack):
            return False
        return excused is None or not re.search(excused, stack)

    def configured(self, given: Settings) -> dict[str, Any]:
        """Settings with the defaults of those that are not given."""
        return {**{key: each.default for key, each in self.settings.items()}, **given}


@dataclass(frozen=True)
class ResourceRule(Rule):
    """A rule about each resource of some types, by itself; it yields a text for each violation."""

    types: frozenset[str] = frozenset()
    check: Callable[[Resource, Settings], Iterable[str]] = lambda _resource, _settings: ()


@dataclass(frozen=True)
class StackRule(Rule):
    """A rule about what spans resources."""

    check: Callable[[Stack, Settings], Iterable[Finding]] = lambda _stack, _settings: ()


def judged(resource: Resource, violations: Iterable[str]) -> Iterator[Finding]:
    """Findings about one resource; where a value is not known yet, that is the last of them."""
    try:
        for text in violations:
            yield Finding(text, resource)
    except NotKnownError as error:
        yield Finding(str(error), resource, is_known=False)
