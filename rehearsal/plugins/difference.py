"""What changes between the old inputs of a resource and the new ones, path by path."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rehearsal.plugins.paths import MISSING, Path, written
from rehearsal.plugins.values import UNKNOWN

Change = Literal["add", "delete", "update"]


@dataclass(frozen=True)
class FieldChange:
    """One field that differs; the values themselves may be secret and are not kept."""

    path: Path
    change: Change

    def __str__(self) -> str:
        return written(self.path)


def changes(old: Mapping[str, object], new: Mapping[str, object]) -> list[FieldChange]:
    """Every field that differs, as deep as both sides have the same shape."""
    return list(_of_values((), old, new))


def _of_values(path: Path, old: object, new: object) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in (*old, *(key for key in new if key not in old)):
            yield from _of_values((*path, key), old.get(key, MISSING), new.get(key, MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _of_values((*path, index), _element(old, index), _element(new, index))
    elif new is UNKNOWN or not is_same(old, new):
        yield FieldChange(path, _change(old, new))


def is_same(one: object, other: object) -> bool:
    """Equality of JSON: 1 and 1.0 are the same number, but true is none."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


def _change(old: object, new: object) -> Change:
    if old is MISSING:
        return "add"
    return "delete" if new is MISSING else "update"


def _element(items: list[object], index: int) -> object:
    return items[index] if index < len(items) else MISSING
