"""What a queue promises: its load, its tasks' length, and how long a task may wait."""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from infra.models.base import Spec


class Burst(Spec):
    """Tasks that arrive almost at once."""

    tasks: PositiveInt
    within_s: PositiveFloat = Field(default=10.0, alias="withinSeconds")
    per_day: NonNegativeFloat = 8.0
    """How often; for the estimate of what bursts cost, nothing else."""


class Objective(Spec):
    """A queue's promise; replica bounds and scaling are derived from it."""

    typical_s: PositiveFloat = Field(alias="typicalSeconds")
    """Mean run time of a task."""
    spread: NonNegativeFloat = 1.0
    """Standard deviation of the run time over its mean."""
    per_hour: NonNegativeFloat
    """Steady arrivals."""
    burst: Burst
    tolerated_wait_s: PositiveFloat = Field(alias="toleratedWaitSeconds")
    """From publish to start."""
    quantile: float = Field(default=0.95, gt=0.0, lt=1.0)
    """Share of tasks that must start within the tolerated wait."""
