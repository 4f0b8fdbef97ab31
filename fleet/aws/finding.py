"""One thing that was looked at in an AWS account."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "hint", "BAD"]


@dataclass(frozen=True)
class Finding:
    """What was looked at; without a problem it is well."""

    subject: str
    problem: str | None = None
    mend: str = ""
    fails: bool = True
    """Whether `pulumi up` or the fleet would fail by it; else it is worth knowing only."""

    @property
    def state(self) -> State:
        if self.problem is None:
            return "ok"
        return "BAD" if self.fails else "hint"


def hint(subject: str, problem: str, mend: str) -> Finding:
    """Something that does not stop `pulumi up`."""
    return Finding(subject, problem, mend, fails=False)
