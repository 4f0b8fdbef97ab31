"""Property paths as Pulumi writes them: spec.ports[0].name, metadata.labels["app.io/name"]."""

import re
from typing import Final

Path = tuple[str | int, ...]

PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')


class Missing:
    """Marks a field that is not there, which null would not."""


MISSING: Final = Missing()


def written(path: Path) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif any(mark in part for mark in '."[]'):
            escaped = part.replace('"', r"\"")
            text += f'["{escaped}"]'
        else:
            text += f".{part}" if text else part
    return text


def parsed(text: str) -> Path:
    """The parts of a written path; `[*]`, any element, stays a part that no object has."""
    found = PART.finditer(text)
    return tuple(
        int(match[2]) if match[2] else match[3] or match[1].replace(r"\"", '"') for match in found
    )


def value_at(value: object, path: Path) -> object:
    """The value below `path`, MISSING where it leads nowhere."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return MISSING
    return value


def with_value(value: object, path: Path, new: object) -> object:
    """A copy with `new` at `path`; unchanged where the path leads nowhere."""
    if not path:
        return new
    part, rest = path[0], path[1:]
    if isinstance(value, dict) and (part in value or not rest):
        return {**value, part: with_value(value.get(part), rest, new)}
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return [*value[:part], with_value(value[part], rest, new), *value[part + 1 :]]
    return value
