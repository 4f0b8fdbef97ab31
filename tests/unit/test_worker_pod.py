"""A process started with a rendered pod's environment ends up with the model's values."""

import json
import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from infra.manifests.broker import broker_secret
from infra.manifests.deployment import api_deployment, beat_deployment, worker_deployment
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig
from tests.unit.recorder import CONNECTION
from tests.unit.test_worker_contract import FLEETS, WORKERS, option
from worker_image import patience, settings
from worker_image.factory import build_app
from worker_image.priority import list_name
from worker_image.settings import Environment, Settings

# What the pod itself reads, and not the app: Python's folder for passing files.
NOT_THE_APPS = {"TMPDIR"}
HOST = "redis.example"
URL = f"rediss://fleet:p%2Fw%3Ad@{HOST}:6380/"


def secret_of(config: FleetConfig) -> dict[str, str]:
    connection = {**CONNECTION, "host": HOST}
    encoded = {key: b64encode(value.encode()).decode() for key, value in connection.items()}
    return broker_secret(encoded, "ns/broker", config.broker.result_expires_s)


def pod_env(folder: Path, config: FleetConfig, deployment: dict[str, Any]) -> dict[str, str]:
    """What the kubelet would set, with the volumes' files in a folder."""
    secrets = {**secret_of(config), "token": "t0ken"}
    fields = {"metadata.name": "pod-1", "status.podIP": "10.1.2.3"}
    env = {}
    for entry in deployment["template"]["spec"]["containers"][0]["env"]:
        if "value" in entry:
            env[entry["name"]] = entry["value"]
        elif "secretKeyRef" in entry["valueFrom"]:
            env[entry["name"]] = secrets[entry["valueFrom"]["secretKeyRef"]["key"]]
        else:
            env[entry["name"]] = fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
    (folder / "ca.crt").write_text("CA")
    (folder / "settings.json").write_text(settings_document(config))
    moved = {"FLEET_BROKER_CA_FILE": "ca.crt", "FLEET_SETTINGS_FILE": "settings.json"}
    return env | {name: str(folder / file) for name, file in moved.items()}


def started(
    folder: Path, config: FleetConfig, deployment: dict[str, Any]
) -> tuple[Celery, Settings]:
    loaded = settings.load(pod_env(folder, config, deployment))
    app = build_app(loaded)
    app.loader.import_default_modules()
    return app, loaded


def agreed(config: FleetConfig, folder: Path) -> dict[str, Any]:
    """Settings that all processes of a fleet share, out of the model alone."""
    prefix = config.broker.key_prefix
    tls = {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
        "ssl_ca_certs": str(folder / "ca.crt"),
    }
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_create_missing_queues": False,
        "task_default_queue": config.beat.maintenance_queue,
        "result_expires": config.broker.result_expires_s,
        "broker_read_url": f"{URL}0",
        "broker_write_url": f"{URL}0",
        "broker_use_ssl": tls,
        "redis_backend_use_ssl": tls,
        "redbeat_redis_url": f"{URL}0",
        "redbeat_redis_use_ssl": tls,
        "redbeat_key_prefix": f"{prefix}redbeat:",
    }


def agreed_transport(config: FleetConfig, held: str) -> dict[str, Any]:
    told = json.loads(settings_document(config))
    return {
        "global_keyprefix": config.broker.key_prefix,
        "visibility_timeout": told["visibilityTimeoutSeconds"],
        "sep": ":",
        "priority_steps": [0, 3, 6, 9],
        "fair_queues": {
            name: f"fair:{name}:pending" for name, queue in config.queues.items() if queue.fair
        },
        "unacked_key": held,
        "unacked_index_key": f"{held}_index",
        "unacked_mutex_key": f"{held}_mutex",
    }


def differing(found: Any, wanted: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Found and wanted value of each setting that is not as wanted."""
    return {key: (found[key], value) for key, value in wanted.items() if found[key] != value}


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_a_workers_configuration_is_the_models_value_by_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: str, worker: str
) -> None:
    config = FLEETS[fleet]
    deployment = worker_deployment(config, worker)
    # Celery reads some of it past the app.
    for name, value in pod_env(tmp_path, config, deployment).items():
        monkeypatch.setenv(name, value)
    app, _ = started(tmp_path, config, deployment)
    spec = config.workers[worker]
    held = f"unacked:{worker}"

    wanted = agreed(config, tmp_path) | {
        "worker_prefetch_multiplier": spec.prefetch_multiplier,
        "worker_disable_prefetch": spec.prefetch_multiplier == 1,
    }
    assert differing(app.conf, wanted) == {}
    options = app.conf.broker_transport_options
    assert differing(options, agreed_transport(config, held)) == {}
    assert {queue.name for queue in app.conf.task_queues} == set(config.queues)
    for connection in (app.connection_for_read(), app.connection_for_write()):
        assert (connection.hostname, connection.port) == (HOST, 6380)
        assert (connection.userid, connection.password) == ("fleet", "p/w:d")
        assert connection.virtual_host == "0"
        assert connection.ssl == wanted["broker_use_ssl"]
    assert app.connection_for_read().transport_options == options
    assert app.connection_for_write().transport_options == {**options, **patience.OPTIONS}


@pytest.mark.parametrize("fleet", FLEETS)
def test_beat_and_api_agree_with_the_workers(tmp_path: Path, fleet: str) -> None:
    config = FLEETS[fleet]
    for deployment in (beat_deployment(config), api_deployment(config)):
        app, _ = started(tmp_path, config, deployment)

        assert differing(app.conf, agreed(config, tmp_path)) == {}
        options = app.conf.broker_transport_options
        assert differing(options, agreed_transport(config, "unacked")) == {}


@pytest.mark.parametrize("fleet", FLEETS)
def test_results_go_where_the_secret_says(tmp_path: Path, fleet: str) -> None:
    app, _ = started(tmp_path, FLEETS[fleet], beat_deployment(FLEETS[fleet]))

    params = app.backend.connparams
    assert (params["host"], params["port"], params["db"]) == (HOST, 6380, 1)
    assert params["password"] == "p/w:d"


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_routes_limits_priorities_and_rates_are_the_models(
    tmp_path: Path, fleet: str, worker: str
) -> None:
    config = FLEETS[fleet]
    app, loaded = started(tmp_path, config, worker_deployment(config, worker))
    (router,) = app.conf.task_routes

    for name, queue in config.queues.items():
        told = loaded.fleet.queues[name]
        assert told.routes == tuple(queue.routes)
        headers, properties = {"timelimit": [None, None]}, {"priority": 9}
        router.settle(name, headers, properties)
        assert headers["timelimit"] == [queue.time_limit_s, queue.soft_time_limit_s]
        assert properties["priority"] == (9 if queue.priorities else 0)
        for task, rate in queue.rate_limits.items():
            assert app.tasks[task].rate_limit == rate
    assert loaded.fleet.delivery_limit == config.broker.delivery_limit
    assert list_name("q", 3, loaded.fleet.separator) == "q:3"


@pytest.mark.parametrize("fleet", FLEETS)
def test_beats_hours_are_the_models(tmp_path: Path, fleet: str) -> None:
    config = FLEETS[fleet]
    app, _ = started(tmp_path, config, beat_deployment(config))

    entries = app.conf.beat_schedule
    sample = entries["record-disk-usage"]["schedule"]
    assert sample.total_seconds() == config.beat.disk_sample_hours * 3600
    purges = [entries[f"purge-stale-{what}"]["schedule"] for what in ("training", "scrapes")]
    assert [purge.hour for purge in purges] == [
        {config.beat.purge_training_hour_utc},
        {config.beat.purge_scrape_hour_utc},
    ]


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_the_command_line_says_what_the_model_says(fleet: str, worker: str) -> None:
    config = FLEETS[fleet]
    spec = config.workers[worker]
    command = worker_deployment(config, worker)["template"]["spec"]["containers"][0]["command"]

    assert option(command, "concurrency") == str(spec.concurrency)
    assert option(command, "pool") == spec.pool
    assert option(command, "queues") == ",".join(spec.queues)
    assert option(command, "prefetch-multiplier") == str(spec.prefetch_multiplier)


@pytest.mark.parametrize("fleet", FLEETS)
def test_no_variable_is_rendered_that_the_app_never_reads(tmp_path: Path, fleet: str) -> None:
    config = FLEETS[fleet]
    read = {field.alias for field in Environment.model_fields.values()}
    worker = next(iter(config.workers))
    deployments = worker_deployment(config, worker), beat_deployment(config), api_deployment(config)

    rendered = set().union(*(pod_env(tmp_path, config, each) for each in deployments))
    assert rendered - read == NOT_THE_APPS


def test_changed_values_reach_the_app(tmp_path: Path) -> None:
    """Not the defaults of both sides, which would agree without being told."""
    stated = FLEETS["imagineer"].model_dump(by_alias=True)
    stated["broker"] |= {
        "keyPrefix": "pr-7:",
        "resultExpiresSeconds": 1234,
        "visibilityTimeoutSeconds": 9999,
        "deliveryLimit": 3,
        "confirmReplicas": 1,
        "replicas": 2,
    }
    stated["beat"] |= {"diskSampleHours": 24, "purgeTrainingHour": 1, "purgeScrapeHour": 2}
    stated["beat"]["maintenanceQueue"] = "labeling"
    stated["queues"]["default"]["routes"] = ["worker_image.tasks.samples.*"]
    stated["queues"]["labeling"]["routes"] = ["worker_image.tasks.maintenance.*"]
    config = FleetConfig.model_validate(stated)
    app, loaded = started(tmp_path, config, worker_deployment(config, "labeling"))

    assert differing(app.conf, agreed(config, tmp_path)) == {}
    options = app.conf.broker_transport_options
    assert differing(options, agreed_transport(config, "unacked:labeling")) == {}
    assert (options["visibility_timeout"], app.conf.result_expires) == (9999, 1234)
    assert loaded.fleet.delivery_limit == 3
    assert (loaded.fleet.confirm_replicas, options["confirm_replicas"]) == (1, 1)
    assert app.conf.beat_schedule["record-disk-usage"]["schedule"].total_seconds() == 24 * 3600
    assert app.conf.task_default_queue == "labeling"


def test_a_preview_looks_at_its_disk_less_often(tmp_path: Path) -> None:
    hours = {}
    for fleet in ("imagineer", "imagineer-preview"):
        app, _ = started(tmp_path, FLEETS[fleet], beat_deployment(FLEETS[fleet]))
        schedule = app.conf.beat_schedule["record-disk-usage"]["schedule"]
        hours[fleet] = schedule.total_seconds() / 3600

    assert hours == {"imagineer": 6, "imagineer-preview": 24}
