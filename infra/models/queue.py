"""What one queue holds and promises: its tasks, their order, their pace, their limits."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from infra.models.base import Spec
from infra.models.network_policy import Destination
from infra.models.objective import Objective
from infra.models.queue_class import QueueClass, with_class_defaults
from infra.models.types import Priority, RateLimit, RouteGlob


class QueueAlert(Spec):
    """When a backlog is worth telling someone."""

    pending: PositiveInt = 100
    """More messages than this wait ..."""
    for_minutes: PositiveInt = 15
    """... for this long."""


class QueueSpec(Spec):
    """One queue; who serves it is a worker's matter."""

    queue_class: QueueClass = Field(default="batch", alias="class")
    routes: tuple[RouteGlob, ...] = ()
    """Tasks sent here, by name or glob."""
    priorities: bool = False
    """Whether messages may carry a priority; then four lists are kept, and counted."""
    priority: Priority = 5
    """Priority of a message that asks for none, where the queue has priorities."""
    fair: bool = False
    """Whether each tenant has a list of its own, made on first use; all take turns."""
    soft_time_limit_s: PositiveInt = Field(alias="softTimeLimitSeconds")
    """After this a task gets SoftTimeLimitExceeded."""
    time_limit_s: PositiveInt = Field(alias="timeLimitSeconds")
    """After this a task's process is killed; the pod's grace period exceeds it."""
    max_eta_s: NonNegativeInt = Field(default=0, alias="maxEtaSeconds")
    """Longest `eta`, `countdown` or retry delay; such a task waits in a worker's memory."""
    rate_limits: Mapping[str, RateLimit] = {}
    """Celery's `rate_limit` by task name; it holds for each worker process."""
    max_concurrency: PositiveInt | None = None
    """Tasks at once that what they call can bear: a database, an API, a licence."""
    objective: Objective
    alert: QueueAlert = QueueAlert()
    max_messages: PositiveInt | None = Field(default=None, alias="maxMessages")
    """Messages that it may hold, waiting or held by its workers; senders of more are refused."""
    internet_egress: bool = False
    """Whether its tasks may reach the internet, by TCP and IPv4; so may all tasks of its worker."""
    egress: tuple[Destination, ...] = ()
    """What else its tasks reach: a database, a private service. So may all tasks of its worker."""

    @model_validator(mode="before")
    @classmethod
    def _class_gives_defaults(cls, raw: Any) -> Any:  # noqa: ANN401 - unvalidated input
        return with_class_defaults(raw) if isinstance(raw, Mapping) else raw

    @model_validator(mode="after")
    def _tenants_come_in_turn(self) -> Self:
        if self.fair and self.priorities:
            raise ValueError(
                "fair and priorities are both true: tenants take turns whatever their tasks' "
                "priorities, and a list for each step of each tenant would be asked for each task"
            )
        return self

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.soft_time_limit_s >= self.time_limit_s:
            raise ValueError(
                f"softTimeLimitSeconds {self.soft_time_limit_s} is not below timeLimitSeconds "
                f"{self.time_limit_s}: a task would be killed before it is warned"
            )
        if self.objective.typical_s >= self.soft_time_limit_s:
            raise ValueError(
                f"objective.typicalSeconds {self.objective.typical_s:g} is not below "
                f"softTimeLimitSeconds {self.soft_time_limit_s}: typical tasks would be stopped"
            )
        return self
