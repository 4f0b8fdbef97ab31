"""What rules are asked about: one resource, or all of a stack."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from celery_policy.tree import Node


@dataclass(frozen=True)
class Resource:
    """A resource as the program asks for it."""

    type: str
    name: str
    properties: object
    urn: str = ""
    protect: bool = False

    @property
    def root(self) -> Node:
        return Node(self.properties)

    @property
    def stack(self) -> str:
        """Name of its stack, which is a part of every URN."""
        return self.urn.removeprefix("urn:pulumi:").split("::", 1)[0]


@dataclass(frozen=True)
class Stack:
    """Every resource of a stack."""

    resources: tuple[Resource, ...]

    def of(self, types: Iterable[str]) -> Iterator[Resource]:
        wanted = frozenset(types)
        return (resource for resource in self.resources if resource.type in wanted)

    @cached_property
    def name(self) -> str:
        return next((resource.stack for resource in self.resources if resource.stack), "")
