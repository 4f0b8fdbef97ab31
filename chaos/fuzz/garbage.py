"""Values that nobody expects, for any place in a message."""

from collections.abc import Callable
from random import Random
from typing import Any

_TEXTS = (
    "",
    " ",
    "\x00",
    "null",
    "true",
    "../../../etc/passwd",
    "'; FLUSHALL; --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "\u202e\u2066",
    "\U0001f4a3" * 20,
    "\ud800",
    "a" * 300,
    "__class__.__mro__",
    "9" * 400,
    "-1",
    "1e999",
)
_NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, -0.0, 1e308, True, False)
_STRANGE = (float("nan"), float("inf"), float("-inf"))
_TIMES = (
    "",
    "now",
    "tomorrow",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-13-45T99:99:99",
    "2026-01-01T00:00:00+99:99",
    "1e10",
    "-1",
    "2026-01-01T00:00:00 Europe/Atlantis",
    "T",
    "2199-12-31T00:00:00",
    "3026-01-01",
    "\ud800",
)
_LONG = 100_000


def value(rnd: Random, depth: int = 3) -> Any:  # noqa: ANN401 - whatever JSON has, and more
    """Return any value; now and then a long one."""
    makers: tuple[Callable[[], Any], ...] = (
        lambda: rnd.choice(_TEXTS),
        lambda: rnd.choice(_NUMBERS),
        lambda: rnd.choice((None, *_STRANGE)),
        lambda: "x" * rnd.choices((10, 1000, _LONG), (50, 50, 3))[0],
        lambda: [value(rnd, depth - 1) for _ in range(rnd.randrange(4))],
        lambda: {rnd.choice(_TEXTS): value(rnd, depth - 1) for _ in range(rnd.randrange(4))},
        lambda: nested(rnd),
    )
    return rnd.choice(makers if depth else makers[:4])()


def moment(rnd: Random) -> Any:  # noqa: ANN401 - likewise
    """Return what stands where a time should."""
    return rnd.choice(_TIMES) if rnd.random() < 0.7 else value(rnd)  # noqa: PLR2004 - mostly


def nested(rnd: Random) -> Any:  # noqa: ANN401 - likewise
    """Return lists or objects within each other, some of them too deep for any reader."""
    deep: Any = None
    for _ in range(rnd.choice((3, 40, 70, 200))):
        deep = [deep] if rnd.random() < 0.5 else {"a": deep}  # noqa: PLR2004 - half
    return deep


def mutated(rnd: Random, whole: Any) -> Any:  # noqa: ANN401 - likewise
    """Return a value with one place of it, at any depth, replaced, removed or doubled."""
    if isinstance(whole, dict) and whole and rnd.random() < 0.85:  # noqa: PLR2004 - mostly inside
        key = rnd.choice(sorted(whole))
        told = dict(whole)
        match rnd.randrange(6):
            case 0:
                del told[key]
            case 1:
                told[str(rnd.choice(_TEXTS))] = told.pop(key)
            case _:
                told[key] = mutated(rnd, told[key])
        return told
    if isinstance(whole, list) and whole and rnd.random() < 0.7:  # noqa: PLR2004 - likewise
        at = rnd.randrange(len(whole))
        return [*whole[:at], mutated(rnd, whole[at]), *whole[at + rnd.randrange(2) :]]
    return value(rnd)
