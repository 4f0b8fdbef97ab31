"""Which queue and step a message goes to, and which publishes are refused."""

from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import QueueNotFound

from tests.unit.worker_stage import document, load
from worker_image.declared import QueueSettings
from worker_image.factory import build_app, fleet_router
from worker_image.routing import Router, UnknownTaskError, UnroutedTaskError

LABEL = "worker_image.tasks.labeling.label_image"
WORK = "worker_image.tasks.canary.work"


def app_of(folder: Path, **changes: Any) -> Celery:
    app = build_app(load(folder, document(**changes)))
    app.loader.import_default_modules()
    return app


def destination(app: Celery, task: str, **options: Any) -> tuple[str, int]:
    """Where Celery itself would publish."""
    route = app.amqp.router.route(options, task)
    return route["queue"].name, route["priority"]


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        (LABEL, "labeling"),
        (WORK, "default"),
        ("worker_image.tasks.maintenance.purge_stale_scrapes", "default"),
        ("worker_image.tasks.training.train", "training"),
        ("worker_image.tasks.scraping.fetch_page", "scraping"),
        ("celery.chord_unlock", "default"),
    ],
)
def test_tasks_go_where_the_globs_of_the_settings_file_say(
    tmp_path: Path, task: str, queue: str
) -> None:
    assert destination(app_of(tmp_path), task)[0] == queue


def test_a_task_unknown_to_the_image_is_refused_at_publish(tmp_path: Path) -> None:
    with pytest.raises(UnknownTaskError, match="label_images"):
        app_of(tmp_path).send_task(f"{LABEL}s")


def test_a_task_without_a_queue_in_this_stack_is_refused_at_publish(tmp_path: Path) -> None:
    queues, workers = document()["queues"], document()["workers"]
    app = app_of(
        tmp_path, queues={"default": queues["default"]}, workers={"default": workers["default"]}
    )

    with pytest.raises(UnroutedTaskError, match="matches no route"):
        app.send_task(LABEL)


def test_a_misspelt_queue_is_refused_at_publish(tmp_path: Path) -> None:
    with pytest.raises(QueueNotFound):
        app_of(tmp_path).send_task(WORK, queue="labelling")


def test_an_exchange_is_refused_at_publish(tmp_path: Path) -> None:
    with pytest.raises(UnroutedTaskError, match="not an exchange"):
        app_of(tmp_path).send_task(WORK, exchange="celery", routing_key="x")


def test_a_message_without_priority_gets_its_queues_own(tmp_path: Path) -> None:
    app = app_of(tmp_path)

    assert destination(app, LABEL) == ("labeling", 4)
    assert destination(app, WORK) == ("default", 0)


def test_the_queue_that_the_caller_names_decides_the_priority(tmp_path: Path) -> None:
    app = app_of(tmp_path)

    assert destination(app, WORK, queue="labeling") == ("labeling", 4)
    assert destination(app, LABEL, queue="default") == ("default", 0)
    assert destination(app, WORK, queue="labeling", priority=9) == ("labeling", 9)


@pytest.mark.parametrize(
    ("queue", "asked", "sent"),
    [
        ("default", 9, 0),
        ("default", None, 0),
        ("labeling", 9, 9),
        ("labeling", 255, 9),
        ("labeling", -1, 0),
        ("labeling", None, 0),
    ],
)
def test_just_before_publishing_a_queue_without_priorities_is_held_to_its_first_list(
    tmp_path: Path, queue: str, asked: int | None, sent: int
) -> None:
    properties: dict[str, object] = {"priority": asked}

    fleet_router(load(tmp_path), app_of(tmp_path)).settle(queue, {}, properties)

    assert properties == {"priority": sent}


def router(**routes: tuple[str, ...]) -> Router:
    queues = {
        name: QueueSettings(routes=globs, softTimeLimitSeconds=1, timeLimitSeconds=2)
        for name, globs in routes.items()
    }
    return Router(queues, "a", list)


def test_a_full_name_beats_a_glob() -> None:
    rules = router(a=("tasks.*",), b=("tasks.urgent",))

    assert rules.queue_of("tasks.urgent") == "b"
    assert rules.queue_of("tasks.slow") == "a"
    assert rules.problems(["tasks.urgent", "tasks.slow"]) == []


def test_the_glob_with_the_longest_beginning_wins_whatever_the_order() -> None:
    for rules in (
        router(a=("tasks.*",), b=("tasks.build.*",)),
        router(b=("tasks.build.*",), a=("tasks.*",)),
    ):
        assert rules.queue_of("tasks.build.image") == "b"
        assert rules.queue_of("tasks.buildings.paint") == "a"
        assert rules.problems(["tasks.build.image", "tasks.slow.work"]) == []


@pytest.mark.parametrize("route", ["tasks.*", "tasks.[u]*", "tasks.?rgent"])
def test_a_task_that_two_queues_claim_equally_is_a_problem(route: str) -> None:
    found = router(a=("tasks.*",), b=(route,)).problems(["tasks.urgent"])

    assert found == ["task 'tasks.urgent' is routed to several queues: ['a', 'b']"]


def test_a_queue_may_claim_a_task_by_two_routes_of_its_own() -> None:
    rules = router(a=("tasks.*", "tasks.urgent"), b=("task*",))

    assert rules.queue_of("tasks.urgent") == "a"
    assert rules.problems(["tasks.urgent"]) == []


def test_a_task_that_no_queue_claims_is_no_problem() -> None:
    assert router(a=("tasks.*",)).problems(["tasks.urgent", "others.slow"]) == []


def test_a_route_that_matches_no_task_is_a_problem() -> None:
    found = router(a=("tasks.*", "task.*")).problems(["tasks.urgent"])

    assert found == ["queue 'a': route 'task.*' matches no task of this image"]
