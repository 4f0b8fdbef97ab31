"""A resource's properties, read by path; a value that is not known yet says so, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""Stands for a value that only the update brings."""


class NotKnownError(Exception):
    """A rule asked for a value that only the update brings."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not known before the update")


@dataclass(frozen=True)
class Node:
    """A value with its path; what is absent is a node that holds None."""

    held: object
    path: str = ""

    @property
    def value(self) -> object:
        """The value itself.

        Raises:
            NotKnownError: only the update brings it.

        """
        if self.held is UNKNOWN:
            raise NotKnownError(self.path)
        return self.held

    def __getitem__(self, key: str) -> "Node":
        value = self.value
        inner = value.get(key) if isinstance(value, Mapping) else None
        return Node(inner, f"{self.path}.{key}" if self.path else key)

    @property
    def is_given(self) -> bool:
        return self.value is not None

    def items(self) -> list["Node"]:
        """Elements of a list; none of anything else."""
        value = self.value
        elements = value if isinstance(value, list) else []
        return [Node(element, f"{self.path}[{index}]") for index, element in enumerate(elements)]

    def entries(self) -> dict[str, "Node"]:
        """Entries of an object; none of anything else."""
        value = self.value
        return {str(key): self[str(key)] for key in value} if isinstance(value, Mapping) else {}

    @property
    def text(self) -> str:
        """The string, empty where there is none."""
        value = self.value
        return value if isinstance(value, str) else ""

    @property
    def number(self) -> float | None:
        """The number, also where it is written as text, as in Kubernetes' quantities of devices."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            return float(value)
        except ValueError:
            return None

    @property
    def is_true(self) -> bool:
        """Whether it is true, or says so in text, as some of the cloud's properties do."""
        return self.value is True or self.value == "true"

    @property
    def is_false(self) -> bool:
        return self.value is False or self.value == "false"

    def strings(self) -> list[str]:
        return [item.text for item in self.items()]

    def texts(self) -> dict[str, str]:
        """An object of strings, such as labels."""
        return {key: node.text for key, node in self.entries().items()}
