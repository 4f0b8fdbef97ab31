"""Where two documents differ, by paths as Pulumi writes them."""

from collections.abc import Iterator


def differing(old: object, new: object) -> Iterator[str]:
    """Return the innermost paths; a key with a dot stands in brackets."""
    return (path for path, _, _ in ends(old, new))


def ends(old: object, new: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    """Return the same with both values; None for what an end does not have."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = f'{path}["{key}"]' if "." in key else f"{path}.{key}".lstrip(".")
            yield from ends(old.get(key), new.get(key), inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for at, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from ends(one, other, f"{path}[{at}]")
    elif old != new:
        yield path, old, new
