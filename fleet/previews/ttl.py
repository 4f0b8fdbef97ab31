"""How long a preview may stay without another `up`, as people write it: `48h`, `7d`, `90m`."""

import re
from datetime import timedelta

from rehearsal.errors import RehearsalError

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_WRITTEN = re.compile(rf"([1-9][0-9]{{0,3}})([{''.join(_UNITS)}])")
_LONGEST = timedelta(days=30)


def ttl(text: str) -> timedelta:
    """Read it.

    Raises:
        RehearsalError: it is written otherwise, or longer than 30 days.

    """
    found = _WRITTEN.fullmatch(text)
    if found and (time := timedelta(**{_UNITS[found[2]]: int(found[1])})) <= _LONGEST:
        return time
    raise RehearsalError(
        what=f"--ttl is {text!r}",
        why=f"it is a number with m, h or d, and at most {_LONGEST.days}d: a preview that nobody "
        "ends costs money until then",
        mend="write it as 48h, 7d or 90m",
    )
