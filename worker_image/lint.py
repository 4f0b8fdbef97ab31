"""Settings with which Celery 5.7 on Redis loses, repeats or strands tasks, each with its reason.

What counts is what is in force as the process starts, wherever it was set: in a fork's own
configuration, in the environment, or on the command line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from celery import Celery

from worker_image import lint_rules
from worker_image.conf import transport_options
from worker_image.lint_rules import Rule
from worker_image.routing import Router
from worker_image.settings import Settings
from worker_image.transport import Transport

_ACKS_LATE = Rule(
    "acks_late", (True,), "no scaler would see it run, and a lost worker would lose it"
)
_TRACK_STARTED = Rule(
    "track_started", (False, None), "with a result store that is full it is acknowledged, not run"
)


@dataclass(frozen=True)
class Start:
    """A process that is about to start."""

    app: Celery
    """With every task module imported."""
    settings: Settings
    options: Mapping[str, object]
    """Of Celery's command line."""
    environ: Mapping[str, str]


def worker_problems(start: Start) -> list[str]:
    """Return one line for each setting that a worker refuses."""
    return [
        *publisher_problems(start),
        *_broken(lint_rules.WORKER, start.app.conf),
        *_broken(lint_rules.OPTIONS, start.options, "option "),
        *_environment(start.environ),
        *_tasks(start.app),
        *_prefetch(start),
    ]


def publisher_problems(start: Start) -> list[str]:
    """Return one line for each setting that every process refuses that sends tasks."""
    conf = start.app.conf
    return [
        *_broken(lint_rules.PUBLISHER, conf),
        *_addresses(start),
        *_transport(start),
        *_routes(start.app),
        *_schedule(start.app),
    ]


def _broken(rules: Iterable[Rule], told: Mapping[str, Any], kind: str = "") -> Iterable[str]:
    for rule in rules:
        if (value := told.get(rule.setting)) not in rule.allowed:
            yield f"{kind}{rule.problem(value)}"


def _environment(environ: Mapping[str, str]) -> Iterable[str]:
    for variable, reason in lint_rules.ENVIRONMENT.items():
        if environ.get(variable):
            yield f"{variable} is set: {reason}"


def _tasks(app: Celery) -> Iterable[str]:
    """Tasks that are declared otherwise than the configuration, of which more is told once."""
    for name, task in sorted(app.tasks.items()):
        for rule in (_ACKS_LATE, _TRACK_STARTED):
            value = getattr(task, rule.setting)
            if value not in rule.allowed and value != app.conf[f"task_{rule.setting}"]:
                yield f"task {name!r}: {rule.problem(value)}"


def _prefetch(start: Start) -> Iterable[str]:
    worker = start.settings.worker
    if worker is None:
        return
    declared = worker.prefetch_multiplier
    multiplier = start.options.get("prefetch_multiplier", start.app.conf.worker_prefetch_multiplier)
    if multiplier != declared:
        yield (
            f"worker_prefetch_multiplier is {multiplier!r}, the stack declares {declared}: "
            "messages would wait in this pod while another has a free slot"
        )
    if start.app.conf.worker_disable_prefetch is not (declared == 1):
        yield (
            f"worker_disable_prefetch is {start.app.conf.worker_disable_prefetch!r} at a prefetch "
            f"multiplier of {declared}: at 1 a worker takes a second message after a reconnect "
            "unless it is True, and above 1 True would have no message held"
        )


def _addresses(start: Start) -> Iterable[str]:
    """Values are never told: they hold the broker's password."""
    url = start.settings.environment.broker_url.get_secret_value()
    for setting in ("broker_read_url", "broker_write_url"):
        if getattr(start.app.conf, setting) != url:
            yield (
                f"{setting} (or CELERY_{setting.upper()}) is not CELERY_BROKER_URL: what is sent "
                "and what is consumed would be on two brokers"
            )


def _transport(start: Start) -> Iterable[str]:
    declared, connection = transport_options(start.settings), start.app.connection_for_read()
    if not issubclass(connection.get_transport_cls(), Transport):
        yield (
            f"broker_transport is {start.app.conf.broker_transport!r}, not the fleet's: kombu's "
            "own loses what a pod that dies has just popped"
        )
    for option, reason in lint_rules.TRANSPORT_OPTIONS.items():
        value = connection.transport_options.get(option)
        if value != declared[option]:
            yield (
                f"broker_transport_options[{option!r}] is {value!r}, settings.json says "
                f"{declared[option]!r}: {reason}"
            )


def _routes(app: Celery) -> Iterable[str]:
    routes = app.conf.task_routes
    if not isinstance(routes, tuple) or [type(route) for route in routes] != [Router]:
        yield (
            "task_routes is not the fleet's router alone: another may name an exchange, and what "
            "is sent there is lost once Redis has lost its bindings"
        )
    for name, queue in sorted(app.amqp.queues.items()):
        if queue.exchange is not None and queue.exchange.type != "direct":
            yield (
                f"task_queues: {name!r} has an exchange of type {queue.exchange.type!r}: what is "
                "sent there is lost once Redis has lost its bindings"
            )


def _schedule(app: Celery) -> Iterable[str]:
    for name, entry in app.conf.beat_schedule.items():
        try:
            app.amqp.router.route(dict(entry.get("options", {})), entry["task"])
        except Exception as error:  # noqa: BLE001 - Celery's and the router's, each in its words
            yield f"beat_schedule[{name!r}] would never be sent: {error}"
