"""Who holds a preview's stack, in Pulumi's own words, and whether its lock may be broken.

Pulumi (pkg/backend/diy/lock.go, 3.255) tells each lock of a file or bucket on a line: `<url>:
created by <user>@<host> (pid <pid>) at <RFC 3339>`. Pulumi Cloud names nobody.
"""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fleet import engine_lock
from rehearsal.errors import RehearsalError

_LINE = re.compile(r"(\S+): created by (.*)@([^@\s]+) \(pid (\d+)\) at (\S+)$", re.MULTILINE)
# An `up` of a preview takes minutes; what holds it for so long is taken for dead on request.
OLD = timedelta(hours=1)


@dataclass(frozen=True)
class Holder:
    """One lock: where it lies, who wrote it."""

    url: str
    user: str
    host: str
    pid: int
    since: datetime

    @property
    def is_here(self) -> bool:
        return self.host == socket.gethostname()

    def kept(self, now: datetime) -> str | None:
        """Why it may not be broken, whoever asks; None where it may."""
        if self.is_here:
            return f"it is at work on this machine (pid {self.pid})" if self._lives else None
        free_at = self.since + OLD
        if now < free_at:
            return f"whether it died cannot be told from here before {_clock(free_at)}"
        return None

    @property
    def _lives(self) -> bool:
        return engine_lock.is_alive(self.pid)

    def told(self, now: datetime) -> str:
        """Say who, since when, and what is known of it."""
        minutes = max(0, int((now - self.since).total_seconds() // 60))
        known = self.kept(now) or ("it died on this machine" if self.is_here else "it may be dead")
        who = f"{self.user}@{self.host} (pid {self.pid})"
        return f"{who} since {_clock(self.since)}, {minutes} min ago; {known}"


def holders(told: str) -> Iterator[Holder]:
    """Read every lock out of what Pulumi said."""
    for url, user, host, pid, since in _LINE.findall(told):
        yield Holder(url, user, host, int(pid), datetime.fromisoformat(since))


def may_break(told: str, now: datetime) -> bool:
    """Whether every lock is of a holder that died here, or is old; not where none is told."""
    found = list(holders(told))
    return bool(found) and all(each.kept(now) is None for each in found)


def is_old(told: str, now: datetime) -> bool:
    """Whether every lock may be broken and is old, too; not where none is told.

    Machines of CI may share a name: there a holder that seems to have died here may be at work.
    """
    return may_break(told, now) and all(now >= each.since + OLD for each in holders(told))


def refusal(stack: str, told: str, now: datetime) -> RehearsalError:
    """Tell who holds a stack, and what to do about it."""
    found = list(holders(told))
    return RehearsalError(
        what=f"stack {stack} is locked; nothing was changed",
        why="\n".join(each.told(now) for each in found) or told.strip(),
        mend=_mend(stack, found, now),
        where=found[0].url if found else None,
    )


def _mend(stack: str, found: list[Holder], now: datetime) -> str:
    if not found:
        return f"wait for that run; if you are sure that it died: pulumi cancel --stack {stack}"
    if alive := [each for each in found if each.is_here and each.kept(now)]:
        return f"wait for it, or end it with: kill -INT {alive[0].pid}"
    if any(each.kept(now) for each in found):
        return f"wait for it; if you are sure that it died: pulumi cancel --stack {stack}"
    return "if you are sure that it died, add --break-lock to `fleet preview up` or `down`"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
