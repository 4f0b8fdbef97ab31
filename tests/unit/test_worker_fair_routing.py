"""Whose list of a fair queue a message goes to, by whatever path it is sent."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import QueueNotFound

from tests.unit.worker_stage import document, fair_document, load
from worker_image import routing
from worker_image.factory import build_app, fleet_router
from worker_image.settings import SettingsError
from worker_image.tenants import Place, TenantError, place_of

LABEL = "worker_image.tasks.labeling.label_image"
WORK = "worker_image.tasks.canary.work"
FAIR = {"labeling"}


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    app = build_app(load(tmp_path, fair_document()))
    app.loader.import_default_modules()
    return app


def destination(app: Celery, task: str, **options: Any) -> str:
    """Where Celery itself would publish."""
    return str(app.amqp.router.route(options, task)["queue"].name)


def of(tenant: object) -> dict[str, object]:
    return {"headers": {"tenant": tenant}}


def test_each_tenant_has_a_list_and_nobody_in_particular_the_queues_own(app: Celery) -> None:
    assert destination(app, LABEL, **of("acme")) == "labeling.acme"
    assert destination(app, LABEL, **of("Zorg_7-x")) == "labeling.Zorg_7-x"
    assert destination(app, LABEL) == "labeling"
    assert destination(app, LABEL, headers=None) == "labeling"


def test_the_tenant_decides_although_the_caller_names_the_queue(app: Celery) -> None:
    assert destination(app, WORK, queue="labeling", **of("acme")) == "labeling.acme"


def test_a_tenants_list_that_is_named_stays_the_destination(app: Celery) -> None:
    """As of a retry, which names the list that its task came from."""
    assert destination(app, WORK, queue="labeling.acme") == "labeling.acme"
    assert destination(app, WORK, queue="labeling.acme", **of("zorg")) == "labeling.acme"


def test_a_tenant_has_no_list_of_a_queue_that_is_not_fair(app: Celery) -> None:
    assert destination(app, WORK, **of("acme")) == "default"
    with pytest.raises(QueueNotFound):
        destination(app, WORK, queue="default.acme")


def test_a_tenants_list_leaves_nothing_behind_in_the_broker(app: Celery) -> None:
    queue = app.amqp.router.route(of("acme"), LABEL)["queue"]

    assert queue.no_declare
    assert not queue.exchange.name
    assert "labeling.acme" not in list(app.amqp.queues)


@pytest.mark.parametrize("tenant", ["", "a.b", "a:b", "a b", "a\n", "é", "a" * 65, 7, ["acme"]])
def test_a_name_that_would_make_no_list_is_refused(app: Celery, tenant: object) -> None:
    for task in (LABEL, WORK):
        with pytest.raises(TenantError, match="is not 1 to 64 letters"):
            destination(app, task, **of(tenant))


def test_what_a_tenants_task_sends_is_that_tenants_too(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = SimpleNamespace(request={"tenant": "acme"})
    monkeypatch.setattr(routing, "current_task", running)

    assert destination(app, LABEL) == "labeling.acme"
    assert destination(app, LABEL, **of("zorg")) == "labeling.zorg"
    assert destination(app, WORK) == "default"


def test_a_message_carries_its_tenant_and_its_queues_limits(tmp_path: Path, app: Celery) -> None:
    headers: dict[str, object] = {}
    properties: dict[str, object] = {"priority": 9}

    fleet_router(load(tmp_path, fair_document()), app).settle("labeling.acme", headers, properties)

    assert headers == {"tenant": "acme", "timelimit": [1800, 1500]}
    assert properties == {"priority": 0}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("labeling.acme", Place("labeling", "acme")),
        ("labeling", Place("labeling")),
        ("labeling.a:3", Place("labeling.a:3")),
        ("labeling.a.b", Place("labeling.a.b")),
        ("default.acme", Place("default.acme")),
    ],
)
def test_a_lists_name_is_read_back_as_it_was_made(name: str, place: Place) -> None:
    assert place_of(name, FAIR) == place
    assert place.list_name == name


def test_of_dotted_queues_the_longest_is_the_lists() -> None:
    assert place_of("a.b.acme", {"a", "a.b"}) == Place("a.b", "acme")


def changed(**labeling: Any) -> dict[str, Any]:
    told = fair_document()
    told["queues"]["labeling"] |= labeling
    return told


def renamed(queue: str) -> dict[str, Any]:
    told = fair_document()
    told["queues"][queue] = told["queues"].pop("training")
    told["workers"]["training"]["queues"] = [queue]
    return told


def shared() -> dict[str, Any]:
    told = fair_document()
    del told["workers"]["default"]
    told["workers"]["labeling"]["queues"] = ["default", "labeling"]
    return told


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (changed(priorities=True), "priorities is true and pendingKey is set: a tenant has one"),
        (renamed("labeling.acme"), "'labeling.acme' is also the list of tenant 'acme' of the fair"),
        (shared(), "the fair queue 'labeling' needs a worker of its own"),
    ],
)
def test_settings_that_would_mix_tenants_with_others_are_refused(
    tmp_path: Path, told: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason):
        load(tmp_path, told)


def test_dots_and_shared_workers_stay_as_they_were_without_a_fair_queue(tmp_path: Path) -> None:
    told = renamed("labeling.acme")
    told["queues"]["labeling"]["pendingKey"] = None

    assert load(tmp_path, told).fleet.fair == {}
    assert load(tmp_path, document()).fleet.fair == {}
