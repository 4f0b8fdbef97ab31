"""The same alert rules in a shorter time, for tests that cannot wait hours. Pure.

Scaled are: `for`, ranges in brackets, offsets, and the seconds that `time() - ...` is compared to.
Not scaled are numbers that no duration writes: bounds of histograms (`le`), latencies, and how
many of something must have happened within a window.
"""

import re
from collections.abc import Mapping
from typing import Any

_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_RANGE = re.compile(rf"\[({_DURATION})\]")
_OFFSET = re.compile(rf"\boffset ({_DURATION})")
_AGE = re.compile(r"(time\(\) - \w+\([^()]*\) [<>]=? )(\d+(?:\.\d+)?)\b")
_STRING = re.compile(r"""("[^"]*")""")


def scaled_rules(document: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """Return a rule file's content with every time divided by the factor."""
    groups = [
        {**group, "rules": [_scaled(rule, factor) for rule in group["rules"]]}
        for group in document["groups"]
    ]
    return {**document, "groups": groups}


def scaled_expression(expression: str, factor: float) -> str:
    """Return an expression with its times divided; what stands in quotes stays."""
    parts = _STRING.split(expression)
    names = iter(parts[1::2])
    # A quoted string may stand within what `_AGE` looks for.
    bare = "\x00".join(parts[::2])
    bare = _RANGE.sub(lambda found: f"[{_divided(found[1], factor)}]", bare)
    bare = _OFFSET.sub(lambda found: f"offset {_divided(found[1], factor)}", bare)
    bare = _AGE.sub(lambda found: f"{found[1]}{float(found[2]) / factor:g}", bare)
    return re.sub("\x00", lambda _: next(names), bare)


def seconds(duration: str) -> float:
    """Return what a duration of Prometheus means: `1h30m`, `500ms`."""
    found = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    return sum(int(number) * _UNITS_S[unit] for number, unit in found)


def _scaled(rule: Mapping[str, Any], factor: float) -> dict[str, Any]:
    changed = {**rule, "expr": scaled_expression(rule["expr"], factor)}
    if "for" in rule:
        changed["for"] = _divided(rule["for"], factor)
    return changed


def _divided(duration: str, factor: float) -> str:
    return f"{max(1, round(seconds(duration) / factor * 1000))}ms"
