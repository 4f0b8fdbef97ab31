"""Reads parameters whose type the model has checked already."""

from collections.abc import Mapping


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    return [str(item) for item in items(value)]
