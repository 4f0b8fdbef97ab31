"""The Celery configuration that workers, beat and publishers really end up with."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.unit.worker_stage import PASSWORD, document, environ, load
from worker_image import once, patience
from worker_image.confirm import CONFIRM_REPLICAS
from worker_image.factory import build_app
from worker_image.results import ResultBackend
from worker_image.room import ROOM
from worker_image.transport import Channel

TLS = {
    "CELERY_BROKER_URL": f"rediss://fleet:{PASSWORD}@broker:6380/0?ssl_cert_reqs=required",
    "CELERY_RESULT_BACKEND": f"rediss://fleet:{PASSWORD}@broker:6380/1?ssl_cert_reqs=required",
}


@pytest.fixture
def tls_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Celery:
    """Built as in a pod: Celery itself reads the same environment."""
    ca = tmp_path / "ca.crt"
    ca.write_text("CA")
    changes = {**TLS, "FLEET_BROKER_CA_FILE": str(ca), "FLEET_WORKER": "labeling"}
    for name, value in environ(tmp_path, **changes).items():
        monkeypatch.setenv(name, value)
    return build_app(load(tmp_path, document(keyPrefix="pr-7:"), **changes))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("accept_content", ["json"]),
        ("task_serializer", "json"),
        ("result_serializer", "json"),
        ("timezone", "UTC"),
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_retry_on_worker_lost", True),
        ("worker_prefetch_multiplier", 1),
        ("worker_disable_prefetch", True),
        ("worker_cancel_long_running_tasks_on_connection_loss", False),
        ("task_track_started", False),
        ("task_create_missing_queues", False),
        ("task_ignore_result", False),
        ("result_backend_always_retry", True),
        ("result_expires", 86_400),
        ("broker_channel_error_retry", True),
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
        ("beat_max_loop_interval", 5),
        ("redbeat_lock_timeout", 30),
    ],
)
def test_settings_that_guard_tasks_are_set(tls_app: Celery, setting: str, value: Any) -> None:
    assert tls_app.conf[setting] == value


def test_each_worker_has_in_flight_keys_of_its_own(tls_app: Celery) -> None:
    options = tls_app.connection_for_read().transport_options

    assert options["unacked_key"] == "unacked:labeling"
    assert options["unacked_index_key"] == "unacked:labeling_index"
    assert options["unacked_mutex_key"] == "unacked:labeling_mutex"


def test_the_transport_follows_the_settings_file(tls_app: Celery) -> None:
    options = tls_app.connection_for_write().transport_options

    assert options["global_keyprefix"] == "pr-7:"
    assert options["sep"] == ":"
    assert options["priority_steps"] == [0, 3, 6, 9]
    assert options["visibility_timeout"] == 3780
    assert tls_app.conf.redbeat_key_prefix == "pr-7:redbeat:"


def test_kombu_knows_every_transport_option(tls_app: Celery) -> None:
    options = tls_app.connection_for_read().transport_options

    published = {CONFIRM_REPLICAS, ROOM}
    assert set(options) - published <= set(Channel.from_transport_options)
    # Of those alone who publish.
    assert published <= set(once.Channel.from_transport_options)


def test_the_broker_must_prove_itself_although_the_environment_holds_another_url(
    tls_app: Celery, tmp_path: Path
) -> None:
    for connection in (tls_app.connection_for_read(), tls_app.connection_for_write()):
        assert connection.ssl == {
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
            "ssl_check_hostname": True,
            "ssl_ca_certs": str(tmp_path / "ca.crt"),
        }
        assert (connection.hostname, connection.port) == ("broker", 6380)
        assert connection.password == "p/w:d"


def test_the_result_store_must_prove_itself_too(tls_app: Celery, tmp_path: Path) -> None:
    backend = tls_app.backend

    assert isinstance(backend, ResultBackend)
    assert backend.connparams["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    assert backend.connparams["ssl_check_hostname"] is True
    assert backend.connparams["ssl_ca_certs"] == str(tmp_path / "ca.crt")
    assert backend.connparams["db"] == 1


def test_redbeat_gets_the_same_tls(tls_app: Celery) -> None:
    assert tls_app.conf.redbeat_redis_use_ssl == tls_app.conf.broker_use_ssl
    assert tls_app.conf.redbeat_redis_url.startswith("rediss://")
    assert "ssl_cert_reqs" not in tls_app.conf.redbeat_redis_url


def test_a_publisher_waits_out_a_failover_of_three_quarters_of_a_minute(tls_app: Celery) -> None:
    policy = tls_app.conf.task_publish_retry_policy
    waits_s = [
        min(policy["interval_start"] + i * policy["interval_step"], policy["interval_max"])
        for i in range(policy["max_retries"])
    ]

    assert 45 <= sum(waits_s) <= patience.TRIED_FOR_S


def test_rate_limits_of_the_settings_file_reach_the_task(tmp_path: Path) -> None:
    told = document()
    limits = {"worker_image.tasks.scraping.fetch_page": "5/s"}
    told["queues"]["scraping"]["rateLimits"] = limits
    app = build_app(load(tmp_path, told))
    app.loader.import_default_modules()

    assert app.tasks["worker_image.tasks.scraping.fetch_page"].rate_limit == "5/s"


def test_a_worker_that_may_hold_messages_holds_as_many_as_declared(tmp_path: Path) -> None:
    told = document()
    told["workers"]["labeling"]["prefetchMultiplier"] = 8

    conf = build_app(load(tmp_path, told, FLEET_WORKER="labeling")).conf
    other = build_app(load(tmp_path, told, FLEET_WORKER="scraping")).conf

    assert (conf.worker_prefetch_multiplier, conf.worker_disable_prefetch) == (8, False)
    assert (other.worker_prefetch_multiplier, other.worker_disable_prefetch) == (1, True)


def test_publishing_subscribes_to_no_result(tmp_path: Path) -> None:
    backend = build_app(load(tmp_path)).backend

    backend.on_task_call(producer=None, task_id="1")

    assert backend.result_consumer.subscribed_to == set()
