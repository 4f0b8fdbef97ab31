"""Which queue and step a message goes to, by whatever path a task is published.

Celery asks the router at every publish (`apply_async`, `send_task`, beat, retries, canvas); the
caller's own priority comes before its answer. What must hold all the same is applied to the message
just before it leaves (`settle`): a queue without priorities uses its first list alone, and no task
runs longer than its queue allows.

On a fair queue each tenant's messages go to a list of their own. The tenant is the one of header
`tenant`, or else that of the task which sends: what a tenant's task sends is that tenant's too.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping, MutableMapping
from fnmatch import fnmatchcase

from celery import current_task
from kombu import Queue

from worker_image.declared import QueueSettings
from worker_image.limits import settled
from worker_image.priority import clamped, kombu_priority
from worker_image.tenants import HEADER, Place, checked_tenant, place_of

# Celery's own tasks, such as `celery.chord_unlock`.
_BUILT_IN = "celery."
_WILD = re.compile(r"[*?\[]")


class UnknownTaskError(LookupError):
    """A task name that no worker of this code base could run."""


class UnroutedTaskError(LookupError):
    """A task that no queue of this stack takes."""


class Router:
    """Decides queue and priority of each message from the declared queues."""

    def __init__(
        self,
        declared: Mapping[str, QueueSettings],
        default_queue: str,
        registered: Callable[[], Container[str]],
    ) -> None:
        self._declared = declared
        self._fair = {name for name, queue in declared.items() if queue.pending_key}
        self._default_queue = default_queue
        self._registered = registered

    def queues(self) -> tuple[Queue, ...]:
        """Return kombu's declaration of every queue."""
        return tuple(Queue(name, routing_key=name) for name in self._declared)

    def queue_of(self, task: str) -> str | None:
        """Return the queue that a task is routed to; the most specific route decides."""
        if task.startswith(_BUILT_IN):
            return self._default_queue
        return next(iter(self._claimants(task)), None)

    def problems(self, tasks: Iterable[str]) -> list[str]:
        """Return what is wrong with the routes, given every registered task.

        A task without a route is no problem: a stack need not run all that the image can, and
        such a task is refused when it is sent.
        """
        tasks = [task for task in tasks if not task.startswith(_BUILT_IN)]
        idle = [
            f"queue {queue!r}: route {route!r} matches no task of this image"
            for queue, settings in self._declared.items()
            for route in settings.routes
            if not any(fnmatchcase(task, route) for task in tasks)
        ]
        return idle + [problem for task in tasks if (problem := self._ambiguity(task))]

    def __call__(
        self,
        name: str,
        args: object,  # noqa: ARG002 - Celery passes it to every router
        kwargs: object,  # noqa: ARG002 - likewise
        options: MutableMapping[str, object],
        task: object = None,  # noqa: ARG002 - likewise
    ) -> dict[str, object]:
        """Answer Celery's question for a message's destination.

        Takes the caller's queue out of the options: it may be one of tenants, whose lists decide.

        Raises:
            UnknownTaskError: a worker would drop the message.
            UnroutedTaskError: the stack has no queue for the task, and the caller named none; or
                the caller named an exchange, whose messages are lost once Redis has lost its
                bindings; or a queue that nobody declared.
            TenantError: the tenant's name would make no list.

        """
        if name not in self._registered():
            raise UnknownTaskError(f"unknown task {name!r}: this image has no such task")
        if options.get("exchange"):
            raise UnroutedTaskError(f"task {name!r}: name a queue, not an exchange")
        asked = options.pop("queue", None)
        queue = asked.name if isinstance(asked, Queue) else self.queue_of(name)
        if queue is None:
            raise UnroutedTaskError(f"task {name!r} matches no route of this stack's queues")
        place = self._place(queue, options.get("headers"))
        settings = self._declared.get(place.queue)
        if settings is None:
            raise UnroutedTaskError(
                f"task {name!r}: unknown queue {queue!r}, declared are {sorted(self._declared)}"
            )
        return {
            "queue": place.list_name,
            "priority": kombu_priority(settings.priority) if settings.priorities else 0,
        }

    def settle(
        self,
        routing_key: str = "",
        headers: MutableMapping[str, object] | None = None,
        properties: MutableMapping[str, object] | None = None,
        **_: object,
    ) -> None:
        """Hold a message to its queue's steps and limits; a receiver of `before_task_publish`."""
        place = place_of(routing_key, self._fair)
        settings = self._declared.get(place.queue)
        if settings is None or headers is None or properties is None:
            return
        if place.tenant is not None:
            headers[HEADER] = place.tenant
        asked = properties.get("priority") if settings.priorities else 0
        properties["priority"] = clamped(asked) if isinstance(asked, int) else 0
        headers["timelimit"] = settled(headers.get("timelimit"), settings)

    def _place(self, asked: str, headers: object) -> Place:
        """Whose list of a queue it is; a tenant's list that the caller named stays."""
        place = place_of(asked, self._fair)
        named = headers.get(HEADER) if isinstance(headers, Mapping) else None
        if named is None and current_task:
            named = current_task.request.get(HEADER)
        if named is None:
            return place
        tenant = checked_tenant(named)
        return Place(asked, tenant) if asked in self._fair else place

    def _claimants(self, task: str) -> list[str]:
        """Queues with the most specific of the routes that match; more than one is a mistake."""
        rank = {
            queue: max(_specificity(route, task) for route in matching)
            for queue, settings in self._declared.items()
            if (matching := [route for route in settings.routes if fnmatchcase(task, route)])
        }
        return [queue for queue, given in rank.items() if given == max(rank.values())]

    def _ambiguity(self, task: str) -> str | None:
        queues = self._claimants(task)
        if len(queues) <= 1:
            return None
        return f"task {task!r} is routed to several queues: {sorted(queues)}"


def _specificity(route: str, task: str) -> tuple[bool, int]:
    """A full name first, then the glob that spells out the longest beginning."""
    return route == task, len(_WILD.split(route, maxsplit=1)[0])
