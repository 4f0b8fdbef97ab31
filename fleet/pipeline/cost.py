"""What two stack files cost a month, side by side, at their own prices."""

from dataclasses import dataclass

from fleet import stack_config
from fleet.planning import aws_cost
from fleet.planning.forecast import forecast
from rehearsal.errors import RehearsalError


@dataclass(frozen=True)
class Bill:
    """US dollars a month."""

    rest_usd: float
    """Without any task."""
    load_usd: float
    """Under the declared load."""
    unpriced: tuple[str, ...] = ()
    """What the file has no price for, and so is not in the sums."""


@dataclass(frozen=True)
class CostChange:
    """A bill, and the one that it is held against; None where there is none, `why` says why."""

    after: Bill | None
    before: Bill | None
    why: str = ""


def compare(after: str, before: str | None, name: str) -> CostChange:
    """Cost two texts of one stack file; None for `before`: the file is new."""
    try:
        new = _bill(after, name)
    except RehearsalError as error:
        return CostChange(None, None, f"{name} is refused: {error.why}")
    if before is None:
        return CostChange(new, None, f"{name} is new")
    if before == after:
        return CostChange(new, new)
    try:
        return CostChange(new, _bill(before, name))
    except RehearsalError:
        return CostChange(new, None, f"the former {name} is refused by today's rules")


def _bill(text: str, name: str) -> Bill:
    fleet = stack_config.read_text(text, name)
    parts = aws_cost.parts(fleet, [forecast(fleet, worker) for worker in fleet.workers])
    return Bill(
        sum(part.rest_usd or 0.0 for part in parts),
        sum(part.load_usd or 0.0 for part in parts),
        tuple(aws_cost.unpriced(parts)),
    )
