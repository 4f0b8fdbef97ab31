"""Publishers, workers and scalers that would not agree with one another do not start."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kombu import Exchange, Queue

from tests.unit.test_worker_lint import WORK, start
from tests.unit.worker_stage import PASSWORD, document, load
from worker_image import lint, lint_rules
from worker_image.factory import build_app

# Another value than settings.json has for it.
AGREED: Mapping[str, Any] = {
    "sep": ",",
    "priority_steps": [0],
    "global_keyprefix": "other:",
    "fair_queues": {},
    "visibility_timeout": 60,
    "delivery": "stock",
    "unacked_key": "unacked",
    "unacked_index_key": "unacked_index",
    "unacked_mutex_key": "unacked_mutex",
}


def test_every_option_of_the_table_is_tried() -> None:
    assert set(AGREED) == set(lint_rules.TRANSPORT_OPTIONS)


@pytest.mark.parametrize("option", AGREED)
def test_transport_options_on_which_both_sides_do_not_agree_are_refused(
    tmp_path: Path, option: str
) -> None:
    begun = start(tmp_path)
    begun.app.conf.broker_transport_options = {
        **begun.app.conf.broker_transport_options,
        option: AGREED[option],
    }

    (problem,) = lint.publisher_problems(begun)

    assert problem.startswith(
        f"broker_transport_options[{option!r}] is {AGREED[option]!r}, settings.json says "
    )


@pytest.mark.parametrize("setting", ["broker_read_url", "broker_write_url"])
def test_another_broker_is_refused_and_no_password_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    begun = start(tmp_path)
    monkeypatch.setenv(f"CELERY_{setting.upper()}", f"redis://fleet:{PASSWORD}@other:6379/0")

    (problem,) = lint.publisher_problems(begun)

    assert problem.startswith(f"{setting} (or CELERY_{setting.upper()}) is not CELERY_BROKER_URL")
    assert PASSWORD not in problem


def test_kombus_own_transport_is_refused(tmp_path: Path) -> None:
    begun = start(tmp_path)
    begun.app.conf.broker_transport = "redis"

    (problem,) = lint.publisher_problems(begun)

    assert problem.startswith("broker_transport is 'redis', not the fleet's")


def test_routes_that_may_name_an_exchange_are_refused(tmp_path: Path) -> None:
    begun = start(tmp_path)
    routes = {"worker_image.*": {"exchange": "tasks", "routing_key": "x"}}
    begun.app.conf.task_routes = (*begun.app.conf.task_routes, routes)

    (problem,) = lint.publisher_problems(begun)

    assert problem.startswith("task_routes is not the fleet's router alone")


def test_a_queue_behind_an_exchange_with_bindings_is_refused(tmp_path: Path) -> None:
    begun = start(tmp_path)
    begun.app.amqp.queues.add(Queue("news", Exchange("news", type="topic"), routing_key="#"))

    (problem,) = lint.publisher_problems(begun)

    assert problem.startswith("task_queues: 'news' has an exchange of type 'topic'")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"task": WORK, "options": {"queue": "labelling"}}, "labelling"),
        ({"task": f"{WORK}s"}, "unknown task"),
        ({"task": WORK, "options": {"exchange": "x"}}, "not an exchange"),
    ],
)
def test_beat_refuses_an_entry_that_could_never_be_sent(
    tmp_path: Path, entry: dict[str, Any], told: str
) -> None:
    begun = start(tmp_path)
    begun.app.conf.beat_schedule = {"nightly": entry}

    (problem,) = lint.publisher_problems(begun)

    assert problem.startswith("beat_schedule['nightly'] would never be sent: ")
    assert told in problem


@pytest.mark.parametrize(
    ("declared", "multiplier", "disable", "told"),
    [
        (1, 4, None, "worker_prefetch_multiplier is 4, the stack declares 1"),
        (8, 1, None, "worker_prefetch_multiplier is 1, the stack declares 8"),
        (1, 0, None, "worker_prefetch_multiplier is 0, the stack declares 1"),
        (1, 1, False, "worker_disable_prefetch is False at a prefetch multiplier of 1"),
        (8, 8, True, "worker_disable_prefetch is True at a prefetch multiplier of 8"),
    ],
)
def test_a_worker_may_hold_what_the_stack_declares_and_no_more(
    tmp_path: Path, declared: int, multiplier: int, disable: object, told: str
) -> None:
    stack = document()
    stack["workers"]["labeling"]["prefetchMultiplier"] = declared
    settings = load(tmp_path, stack, FLEET_WORKER="labeling")
    app = build_app(settings)
    app.loader.import_default_modules()
    as_declared = lint.Start(app, settings, {"prefetch_multiplier": declared}, {})
    assert lint.worker_problems(as_declared) == []
    if disable is not None:
        app.conf.worker_disable_prefetch = disable

    (problem,) = lint.worker_problems(
        lint.Start(app, settings, {"prefetch_multiplier": multiplier}, {})
    )

    assert problem.startswith(told)
