"""The table that `lint` checks: which setting may have which value, and what happens otherwise.

Each row was seen, or read in Celery 5.7.0 and kombu 5.7.0.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One setting and the values that it may have."""

    setting: str
    allowed: tuple[object, ...]
    reason: str

    def problem(self, value: object) -> str:
        wanted = " or ".join(repr(value) for value in self.allowed)
        return f"{self.setting} is {value!r}, it must be {wanted}: {self.reason}"


PUBLISHER = (
    Rule(
        "task_create_missing_queues",
        (False,),
        "a misspelt queue would become a list that nobody reads",
    ),
    Rule("task_always_eager", (False,), "a task would run where it is sent, and be gone with it"),
    Rule("task_protocol", (2,), "a message would carry neither its queue's limits nor its tenant"),
    Rule("task_serializer", ("json",), "workers accept JSON alone, and park what is none"),
    Rule("task_publish_retry", (True,), "a failover would lose whatever is sent meanwhile"),
    Rule(
        "task_ignore_result",
        (False,),
        "a message that comes again after its task has succeeded would be run again",
    ),
)
"""Celery settings of every process that sends tasks."""

WORKER = (
    Rule("task_acks_late", (True,), "a lost worker would lose what it runs"),
    Rule(
        "task_track_started",
        (False,),
        "with a result store that is full a task is acknowledged and its body never run",
    ),
    Rule("task_reject_on_worker_lost", (True,), "a task whose process is killed would be failed"),
    Rule(
        "task_retry_on_worker_lost",
        (True,),
        "a task that kills its process would come back at once, for ever",
    ),
    Rule(
        "worker_cancel_long_running_tasks_on_connection_loss",
        (False,),
        "with results in the broker's Redis cancelled tasks are acknowledged as revoked",
    ),
    Rule(
        "worker_deduplicate_successful_tasks",
        (True,),
        "a message that comes again after its task has succeeded would be run again",
    ),
    Rule(
        "result_backend_always_retry",
        (True,),
        "a result store that is away would fail tasks that have run",
    ),
    Rule(
        "result_backend_max_retries",
        (float("inf"),),
        "a result store that is away for longer would fail tasks that have run",
    ),
    Rule(
        "broker_channel_error_retry",
        (True,),
        "a failover's `instance state changed` would end the worker, and its tasks",
    ),
    Rule(
        "broker_connection_retry",
        (True,),
        "a lost connection would end the worker, and its tasks",
    ),
    Rule(
        "broker_connection_retry_on_startup",
        (True, None),
        "a worker that starts while the broker is away would end",
    ),
    Rule(
        "broker_connection_max_retries",
        (None,),
        "a longer outage would end the worker, and its tasks",
    ),
    Rule(
        "worker_consumer",
        ("worker_image.consumer:Consumer",),
        "messages that no task of this image takes would be dropped, not parked",
    ),
    Rule(
        "worker_eta_task_limit",
        (None,),
        "once so many messages wait for their ETA, the worker takes none that is due",
    ),
    Rule(
        "worker_soft_shutdown_timeout",
        (0.0,),
        "the end of the grace would pass in a sleep, and the pod be killed before its tasks are "
        "handed back",
    ),
    Rule("worker_pool_restarts", (False,), "a remote command would kill running tasks"),
    Rule(
        "worker_direct",
        (False,),
        "what is sent to a pod's own queue would be stranded when the pod has gone",
    ),
)
"""Celery settings of a worker."""

OPTIONS = (
    Rule("purge", (False, None), "every message that waits would be deleted at each start"),
    Rule("beat", (False, None), "each pod would send the whole schedule"),
    Rule(
        "exclude_queues",
        ((), [], None),
        "its messages would wait for ever, and the scaler start pods for them",
    ),
    Rule("autoscale", (None,), "the scaler counts with the declared concurrency"),
)
"""Options of `celery worker`, by Celery's own names."""

ENVIRONMENT: Mapping[str, str] = {
    "REMAP_SIGTERM": "every scale-in would be a cold shutdown, and start running tasks anew",
}
"""Variables that change a worker's ways before any setting is read."""

_STRANDED = "messages would lie in lists that the other side never reads"
_UNSEEN = "its scaler would not see what it runs, and nobody would bring it back"

TRANSPORT_OPTIONS: Mapping[str, str] = {
    "sep": _STRANDED,
    "priority_steps": _STRANDED,
    "global_keyprefix": _STRANDED,
    "fair_queues": _STRANDED,
    "visibility_timeout": "the shortest of all workers counts: running tasks would be run again",
    "delivery": "who renews no lease would have its running tasks run again by another",
    "unacked_key": _UNSEEN,
    "unacked_index_key": _UNSEEN,
    "unacked_mutex_key": _UNSEEN,
}
"""Options on which publishers, workers and scalers have to agree."""
