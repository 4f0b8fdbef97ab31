"""Turns what AWS tells of a resource into properties, in the form the program gave them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rehearsal.plugins.aws_provider.parameters import PAIRS


def found_at(answer: object, path: str) -> object:
    """The value at a dotted path, None where it leads nowhere; a number is a list's index."""
    for part in filter(None, path.split(".")):
        if isinstance(answer, list):
            answer = answer[int(part)] if int(part) < len(answer) else None
        elif isinstance(answer, Mapping):
            answer = answer.get(part)
        else:
            return None
    return answer


def told(description: Mapping[str, object], name: str) -> object:
    """What the description says of a property, None if it is silent; capitals do not matter."""
    if "." in name:
        return found_at(description, name)
    wanted = name.lower()
    return next((value for key, value in description.items() if key.lower() == wanted), None)


def aligned(given: object, live: object) -> object:
    """The live value in the given one's form; the given one where they mean the same.

    What AWS does not tell cannot have changed as far as one knows, so it stays as given.
    """
    if live is None:
        return given
    if isinstance(given, dict):
        return _aligned_fields(given, live)
    if isinstance(given, list):
        return _aligned_items(given, live)
    is_same = _text(given) == _text(live)
    return given if is_same else in_pulumis_form(live)


def in_pulumis_form(value: object) -> object:
    """An AWS value as an output: names begin small, pairs become a map, times ISO 8601."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: in_pulumis_form(item) for key, item in value.items()}
    if isinstance(value, list):
        pairs = as_map(value)
        return [in_pulumis_form(item) for item in value] if pairs is None else pairs
    return value


def as_map(items: object) -> dict[str, object] | None:
    """A list of tags or other pairs as a map; None if it is something else."""
    if not isinstance(items, list) or not items:
        return None
    for key, value in PAIRS:
        if all(isinstance(item, Mapping) and set(item) == {key, value} for item in items):
            return {str(item[key]): item[value] for item in items}
    return None


def _aligned_fields(given: dict[str, object], live: object) -> object:
    if isinstance(live, list):
        # Pulumi flattens a list that holds one object.
        pairs = as_map(live)
        if pairs is not None or not live:
            return pairs or {}
        live = live[0]
    if not isinstance(live, Mapping):
        return in_pulumis_form(live)
    return {key: aligned(item, told(live, key)) for key, item in given.items()}


def _aligned_items(given: list[object], live: object) -> object:
    if not isinstance(live, list):
        return [aligned(given[0], live)] if len(given) == 1 else in_pulumis_form(live)
    if len(given) != len(live):
        return [in_pulumis_form(item) for item in live]
    if sorted(map(_text, given)) == sorted(map(_text, live)):
        return given
    return [aligned(one, other) for one, other in zip(given, live, strict=True)]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
