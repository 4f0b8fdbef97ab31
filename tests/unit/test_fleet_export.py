"""What is exported for compose and systemd is what the pods run, and holds no secret."""

from configparser import RawConfigParser
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from fleet.cli import app
from fleet.export.compose import compose_file
from fleet.export.process import _secrets, processes
from fleet.export.systemd import TARGET, unit_files
from infra.manifests.deployment import worker_deployment
from infra.manifests.settings import settings_document
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from tests.unit.test_worker_contract import FLEETS, WORKERS

HOME = PurePosixPath("/opt/celery-fleet")


class Unit(RawConfigParser):
    """A unit file as systemd reads it, but for keys that stand there twice."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def exported(config: FleetConfig, *, own_broker: bool = False) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(compose_file(config, "test", own_broker=own_broker))
    return document


def unit(config: FleetConfig, name: str) -> RawConfigParser:
    parser = Unit(strict=False)
    parser.read_string(unit_files(config, "test", HOME)[name])
    return parser


def container(config: FleetConfig, worker: str) -> dict[str, Any]:
    pod: dict[str, Any] = worker_deployment(config, worker)["template"]["spec"]
    return {**pod["containers"][0], "grace_s": pod["terminationGracePeriodSeconds"]}


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_a_service_runs_what_the_workers_pod_runs(fleet: str, worker: str) -> None:
    config = FLEETS[fleet]
    service, pod = exported(config)["services"][f"worker-{worker}"], container(config, worker)

    assert [word.replace("%h", "$(POD_NAME)") for word in service["command"]] == pod["command"]
    assert service["stop_grace_period"] == f"{pod['grace_s']}s"
    literals = {e["name"]: e["value"] for e in pod["env"] if "value" in e}
    # On one machine every process would want the one port.
    del literals["FLEET_METRICS_PORT"]
    assert service["environment"] == literals
    assert service["healthcheck"]["test"][1:] == [
        word.replace("$", "$$") for word in pod["livenessProbe"]["exec"]["command"]
    ]


@pytest.mark.parametrize(("fleet", "worker"), WORKERS)
def test_a_unit_runs_what_the_workers_pod_runs(fleet: str, worker: str) -> None:
    config = FLEETS[fleet]
    service, pod = unit(config, f"celery-{worker}@.service")["Service"], container(config, worker)

    words = service["ExecStart"].split(" ")
    assert words[0] == "/opt/celery-fleet/venv/bin/celery"
    assert [word.replace("%H-%i", "$(POD_NAME)") for word in words[1:]] == pod["command"][1:]
    assert service["TimeoutStopSec"] == str(pod["grace_s"])
    assert (service["KillSignal"], service["KillMode"]) == ("SIGTERM", "mixed")


@pytest.mark.parametrize("own_broker", [False, True])
@pytest.mark.parametrize("fleet", FLEETS)
def test_every_file_that_a_service_reads_is_mounted(fleet: str, own_broker: bool) -> None:  # noqa: FBT001 - a parameter of the test
    document = exported(FLEETS[fleet], own_broker=own_broker)

    for name, service in document["services"].items():
        sources = {kind: service.get(kind, ()) for kind in ("configs", "secrets")}
        for kind, mounts in sources.items():
            asked = {m["source"] if isinstance(m, dict) else m for m in mounts}
            assert asked <= set(document[kind]), name
        if name == "broker":
            continue
        mounted = {m["target"] for mounts in sources.values() for m in mounts}
        folders = {v.split(":")[1] for v in service["volumes"]}
        folders |= {t.split(":")[0] for t in service["tmpfs"]}
        paths = {v for v in service["environment"].values() if v.startswith("/")}
        assert {p for p in paths if not any(p.startswith(f) for f in folders)} == mounted


@pytest.mark.parametrize("fleet", FLEETS)
def test_no_service_may_more_than_its_pod(fleet: str) -> None:
    for name, service in exported(FLEETS[fleet])["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["user"] == "10001:10001", name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_resources_are_the_pods_and_a_gpu_is_asked_for() -> None:
    service = exported(FLEETS["imagineer"])["services"]["worker-training"]
    told = unit(FLEETS["imagineer"], "celery-training@.service")["Service"]

    resources = service["deploy"]["resources"]
    assert resources["limits"] == {"cpus": "4", "memory": "16384M"}
    assert resources["reservations"]["cpus"] == "2"
    (gpu,) = resources["reservations"]["devices"]
    assert (gpu["count"], gpu["capabilities"]) == (1, ["gpu"])
    assert (told["MemoryMax"], told["CPUQuota"]) == ("16384M", "400%")
    assert "PrivateDevices" not in told


def test_a_unit_is_hardened_and_writes_its_data_alone() -> None:
    told = unit(FLEETS["imagineer"], "celery-scraping@.service")["Service"]

    assert told["NoNewPrivileges"] == told["PrivateDevices"] == told["PrivateTmp"] == "yes"
    assert told["ProtectSystem"] == "strict"
    assert told["ReadWritePaths"] == "/var/lib/celery-fleet"
    assert told["RuntimeDirectory"] == "celery-fleet/worker-scraping-%i"
    assert told["Restart"] == "always"
    assert told["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("fleet", FLEETS)
def test_what_nothing_would_wake_runs_once_at_least(fleet: str) -> None:
    config = FLEETS[fleet]
    services = exported(config)["services"]
    wanted = unit_files(config, "test", HOME)[TARGET].splitlines()

    for worker in config.workers:
        replicas = max(1, plan(config, worker).min_replicas)
        assert services[f"worker-{worker}"]["deploy"]["replicas"] == replicas
        assert wanted.count(f"Wants=celery-{worker}@{replicas}.service") == 1
        assert f"Wants=celery-{worker}@{replicas + 1}.service" not in wanted


def test_beat_can_not_be_doubled() -> None:
    config = FLEETS["imagineer"]
    service = exported(config)["services"]["beat"]

    assert service["container_name"] == "celery-fleet-local-beat"
    assert "replicas" not in service["deploy"]
    assert "celery-fleet-beat.service" in unit_files(config, "test", HOME)


@pytest.mark.parametrize("fleet", FLEETS)
def test_secrets_are_named_and_never_written(fleet: str) -> None:
    config = FLEETS[fleet]
    secret = {"CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "FLEET_API_TOKEN"}
    document = exported(config, own_broker=True)

    for name, service in document["services"].items():
        assert not secret & set(service.get("environment", {})), name
    assert document["services"]["api"]["env_file"] == [
        "./secrets/api-token.env",
        "./secrets/broker.env",
    ]
    for text in unit_files(config, "test", HOME).values():
        stated = [line for line in text.splitlines() if line.startswith("Environment=")]
        assert not [line for line in stated for name in secret if name in line]
    beat = unit_files(config, "test", HOME)["celery-fleet-beat.service"].splitlines()
    assert "EnvironmentFile=/etc/celery-fleet/broker.env" in beat


def test_a_variable_that_only_a_pod_can_fill_is_refused() -> None:
    env = [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]

    with pytest.raises(ValueError, match=r"variables \['NODE'\] are filled from what only a pod"):
        _secrets(env)


def test_a_broker_of_its_own_takes_tls_and_known_users_only() -> None:
    document = exported(FLEETS["imagineer"], own_broker=True)
    command = document["services"]["broker"]["command"]

    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--port"] == "0"
    assert options["--aclfile"] == "/run/secrets/users"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--appendonly"] == "yes"
    assert document["services"]["worker-default"]["depends_on"]["broker"]
    assert "broker" not in exported(FLEETS["imagineer"])["services"]


def test_what_each_cannot_do_is_said_at_the_top() -> None:
    config = FLEETS["imagineer"]

    texts = [compose_file(config, "test", own_broker=False)]
    texts.append(unit_files(config, "test", HOME)["celery-training@.service"])
    for text in texts:
        head = text[: text.index("\nname:" if text.count("services:") else "\n[Unit]")]
        assert all(word in head for word in ("KEDA", "spot", "GPU")), head


@pytest.mark.parametrize("kind", ["compose", "systemd"])
def test_the_command_writes_the_files_and_the_settings_they_read(tmp_path: Path, kind: str) -> None:
    done = CliRunner().invoke(app, ["export", kind, "-s", "mistudio", "--out", str(tmp_path)])

    assert done.exit_code == 0, done.output
    config = FLEETS["mistudio"]
    assert (tmp_path / "settings.json").read_text() == settings_document(config)
    names = {path.name for path in tmp_path.iterdir()}
    if kind == "systemd":
        assert {f"celery-{worker}@.service" for worker in config.workers} <= names
    else:
        assert names == {"compose.yaml", "settings.json"}


def test_every_process_of_the_fleet_is_there() -> None:
    names = [each.name for each in processes(FLEETS["imagineer"])]

    assert names == [
        *(f"worker-{worker}" for worker in FLEETS["imagineer"].workers),
        "beat",
        "janitor",
        "api",
    ]
