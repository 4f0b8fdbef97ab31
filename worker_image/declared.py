"""What settings.json declares: queues, workers and the keys they share, each rule checked."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from worker_image.tenants import place_of

# Kombu splits list names at the separator; a queue `team:q` is consumed as `team` (kombu 5.7.0,
# transport/redis.py), and its messages bounce for ever.
_QUEUE_NAME = r"^[A-Za-z0-9_.-]+$"
_KOMBU_STEP = Annotated[int, Field(ge=0, le=9)]

QueueName = Annotated[str, StringConstraints(pattern=_QUEUE_NAME, max_length=63)]
RateLimit = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?/[smh]$")]
"""Celery's `rate_limit`: tasks per second, minute or hour and worker process."""


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class QueueAlert(_Declared):
    """When a backlog is worth telling someone: more messages than this, for this long."""

    pending: PositiveInt
    for_minutes: PositiveInt


class QueueSettings(_Declared):
    """One queue: which tasks go there, in what order, and how long they may run."""

    routes: tuple[str, ...] = ()
    """Task names or globs such as `worker_image.tasks.labeling.*`."""
    priorities: bool = False
    """Whether messages are sorted into steps; without it all go to the first list."""
    priority: Annotated[int, Field(ge=0, le=10)] = 5
    """0 (low) to 10 (high), for a message that asks for none."""
    pending_key: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Makes the queue fair, a list for each tenant: the hash in which all their waiting messages
    are marked, which a scaler reads; behind the key prefix."""
    rate_limits: dict[str, RateLimit] = {}
    """Rate limit by task name."""
    soft_time_limit_seconds: PositiveInt
    """After this a task gets SoftTimeLimitExceeded."""
    time_limit_seconds: PositiveInt
    """After this a task's process is killed."""
    alert: QueueAlert | None = None
    """From where on operators call its backlog one."""
    max_messages: PositiveInt | None = None
    """Messages that it may hold, waiting or held by its workers; senders of more are refused."""

    @model_validator(mode="after")
    def _warns_before_it_kills(self) -> Self:
        if self.soft_time_limit_seconds >= self.time_limit_seconds:
            raise ValueError(
                f"softTimeLimitSeconds {self.soft_time_limit_seconds} is not below "
                f"timeLimitSeconds {self.time_limit_seconds}: a task would be killed unwarned"
            )
        return self

    @model_validator(mode="after")
    def _tenants_have_one_list_each(self) -> Self:
        if self.pending_key is not None and self.priorities:
            raise ValueError("priorities is true and pendingKey is set: a tenant has one list")
        return self


class WorkerSettings(_Declared):
    """One kind of worker: what it consumes and where its running tasks are counted."""

    queues: Annotated[tuple[QueueName, ...], Field(min_length=1)]
    in_flight_key: Annotated[str, StringConstraints(min_length=1)]
    """The hash of unacknowledged messages, which a scaler reads; behind the key prefix."""
    prefetch_multiplier: PositiveInt = 1
    """Messages held for each slot; at 1 none is taken but for a free slot."""


class FleetSettings(_Declared):
    """The whole of settings.json; every process of the fleet reads the same one."""

    queues: Annotated[dict[QueueName, QueueSettings], Field(min_length=1)]
    workers: dict[str, WorkerSettings] = {}
    key_prefix: str = ""
    """In front of every key in the broker; separates fleets that share one."""
    separator: Annotated[str, StringConstraints(min_length=1)] = ":"
    """Between a queue's name and its priority step in list names."""
    priority_steps: Annotated[tuple[_KOMBU_STEP, ...], Field(min_length=1)] = (0, 3, 6, 9)
    visibility_timeout_seconds: PositiveInt
    """After this without a renewal a message is delivered again; with delivery `stock`, which
    renews nothing, it is above every task's time limit."""

    delivery: Literal["lease", "stock"] = "lease"
    """How messages reach workers; with leases, renewed while a worker holds a message, the
    visibility timeout need not exceed the longest task."""
    delivery_limit: PositiveInt = 5
    """A message is delivered so often; if none of them ends it, it is parked."""
    confirm_replicas: NonNegativeInt = 0
    """A message counts as sent once so many replicas of the broker have it, too."""

    @model_validator(mode="after")
    def _steps_ascend_from_zero(self) -> Self:
        steps = self.priority_steps
        if steps[0] != 0 or list(steps) != sorted(set(steps)):
            raise ValueError(f"prioritySteps {list(steps)} do not ascend from 0")
        return self

    @model_validator(mode="after")
    def _names_keep_clear_of_the_separator(self) -> Self:
        for name in self.queues:
            if self.separator in name:
                raise ValueError(
                    f"queue {name!r} contains the separator {self.separator!r}: its messages "
                    "would be looked for in another list"
                )
        return self

    @cached_property
    def fair(self) -> Mapping[str, str]:
        """Key of the marks by fair queue, both without key prefix."""
        declared = self.queues.items()
        return {name: queue.pending_key for name, queue in declared if queue.pending_key}

    @model_validator(mode="after")
    def _lists_belong_to_one_queue(self) -> Self:
        for name in self.queues:
            if (place := place_of(name, self.fair)).tenant is not None:
                raise ValueError(
                    f"queue {name!r} is also the list of tenant {place.tenant!r} of the fair queue "
                    f"{place.queue!r}"
                )
        return self

    @model_validator(mode="after")
    def _fair_queues_have_workers_of_their_own(self) -> Self:
        for name, worker in self.workers.items():
            if len(worker.queues) > 1 and (fair := sorted(self.fair.keys() & set(worker.queues))):
                raise ValueError(
                    f"worker {name!r} consumes {sorted(worker.queues)}: the fair queue {fair[0]!r} "
                    "needs a worker of its own, whose turns are its tenants'"
                )
        return self

    @model_validator(mode="after")
    def _workers_agree_with_queues(self) -> Self:
        keys: dict[str, str] = {}
        for name, worker in self.workers.items():
            if unknown := sorted(set(worker.queues) - set(self.queues)):
                raise ValueError(f"worker {name!r} consumes undeclared queues {unknown}")
            if (other := keys.setdefault(worker.in_flight_key, name)) != name:
                raise ValueError(
                    f"workers {other!r} and {name!r} share the inFlightKey "
                    f"{worker.in_flight_key!r}: each scaler would count the other's tasks"
                )
        return self
