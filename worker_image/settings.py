"""Environment and settings.json, read in one typed place; a mistake is named, with its reason."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from worker_image.declared import FleetSettings, WorkerSettings

_TLS_REQUIRED = ("", "ssl_cert_reqs=required", "ssl_cert_reqs=CERT_REQUIRED")
# They hold the broker's password.
_NEVER_SHOWN = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND")

_HourUtc = Annotated[int, Field(ge=0, le=23)]


class SettingsError(Exception):
    """Settings that no process may start with; one line for each mistake."""


def _redis_url(value: SecretStr) -> SecretStr:
    """Check a Redis URL and drop its query, which would replace the CA file (kombu 5.7.0)."""
    try:
        parts = urlsplit(value.get_secret_value())
        host, port = parts.hostname, parts.port
    except ValueError:
        # The library's own message may quote a piece of the password.
        raise ValueError("it is not a URL; is the password percent-encoded?") from None
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("the scheme must be redis:// or rediss:// (TLS)")
    if not host or not port:
        raise ValueError("host and port must be given")
    if not parts.path.removeprefix("/").isdecimal():
        raise ValueError("the path must be the number of a Redis database")
    if parts.query not in _TLS_REQUIRED:
        raise ValueError("the only option allowed is ssl_cert_reqs=required")
    return SecretStr(parts._replace(query="").geturl())


RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]


class Environment(BaseModel):
    """The process's environment, as far as the fleet reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    broker_url: RedisUrl = Field(alias="CELERY_BROKER_URL")
    result_backend: RedisUrl = Field(alias="CELERY_RESULT_BACKEND")
    result_expires_s: PositiveInt = Field(86_400, alias="CELERY_RESULT_EXPIRES")
    broker_ca_file: FilePath | None = Field(None, alias="FLEET_BROKER_CA_FILE")
    """CA that signed the broker's certificate; without it the system's own CAs count."""
    settings_file: FilePath = Field(alias="FLEET_SETTINGS_FILE")
    worker: str | None = Field(None, alias="FLEET_WORKER")
    """Which of the declared workers this process is; beat and API are none."""
    data_dir: Path = Field(alias="FLEET_DATA_DIR")
    heartbeat_file: Path | None = Field(None, alias="FLEET_HEARTBEAT_FILE")
    api_token: SecretStr | None = Field(None, alias="FLEET_API_TOKEN")
    outbox_dir: Path | None = Field(None, alias="FLEET_OUTBOX_DIR")
    """Where the API keeps what it accepts while the broker is away; without it, it refuses."""
    pod_name: str | None = Field(None, alias="POD_NAME")
    grace_s: PositiveInt | None = Field(None, alias="FLEET_GRACE_SECONDS")
    """Seconds between SIGTERM and SIGKILL."""
    service_account_dir: Path | None = Field(None, alias="FLEET_SERVICE_ACCOUNT_DIR")
    """Where the pod's token lies, if the worker may tell its pod's deletion cost."""
    pod_ip: str = Field("127.0.0.1", alias="POD_IP")
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        None, alias="FLEET_METRICS_PORT"
    )
    """Where workers and beat answer Prometheus, at the pod's address; without it nowhere."""
    otel_endpoint: str | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Where OpenTelemetry's spans go; without it there are none."""
    otel_disabled: bool = Field(False, alias="OTEL_SDK_DISABLED")  # noqa: FBT003 - a default
    maintenance_queue: str = Field("default", alias="IMAGINEER_MAINTENANCE_QUEUE")
    purge_training_hour_utc: _HourUtc = Field(3, alias="IMAGINEER_PURGE_TRAINING_HOUR")
    purge_scrape_hour_utc: _HourUtc = Field(4, alias="IMAGINEER_PURGE_SCRAPE_HOUR")
    disk_sample_hours: Annotated[int, Field(ge=1, le=168)] = Field(
        6, alias="IMAGINEER_DISK_SAMPLE_HOURS"
    )


@dataclass(frozen=True)
class Settings:
    """All that a process of the fleet knows at its start."""

    environment: Environment
    fleet: FleetSettings

    @property
    def worker(self) -> WorkerSettings | None:
        name = self.environment.worker
        return None if name is None else self.fleet.workers[name]

    @property
    def tls(self) -> bool:
        return self.environment.broker_url.get_secret_value().startswith("rediss://")


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check everything.

    An empty variable counts as one that is not set.

    Raises:
        SettingsError: with one line per mistake: the variable or key, its value, the reason.

    """
    try:
        environment = Environment.model_validate({k: v for k, v in environ.items() if v})
    except ValidationError as error:
        raise SettingsError(_lines("", error)) from None
    file = environment.settings_file
    try:
        fleet = FleetSettings.model_validate_json(file.read_bytes(), strict=True)
    except ValidationError as error:
        raise SettingsError(_lines(f"{file}: ", error)) from None
    settings = Settings(environment, fleet)
    if problems := list(_disagreements(settings)):
        raise SettingsError("\n".join(problems))
    return settings


@lru_cache(maxsize=1)
def current() -> Settings:
    """Return this process's settings, read once."""
    return load(os.environ)


def current_or_exit() -> Settings:
    """Return this process's settings; end it with their mistakes on standard error, exit code 1."""
    try:
        return current()
    except SettingsError as error:
        sys.exit(f"worker_image cannot start:\n{error}")


def _disagreements(settings: Settings) -> Iterable[str]:
    environment, fleet = settings.environment, settings.fleet
    if environment.maintenance_queue not in fleet.queues:
        yield (
            f"IMAGINEER_MAINTENANCE_QUEUE is {environment.maintenance_queue!r}: no such queue in "
            f"{environment.settings_file}, which declares {sorted(fleet.queues)}"
        )
    if environment.worker is not None and environment.worker not in fleet.workers:
        yield (
            f"FLEET_WORKER is {environment.worker!r}: no such worker in "
            f"{environment.settings_file}, which declares {sorted(fleet.workers)}"
        )
    backend_tls = environment.result_backend.get_secret_value().startswith("rediss://")
    if environment.broker_ca_file is not None and not (settings.tls and backend_tls):
        yield (
            f"FLEET_BROKER_CA_FILE is '{environment.broker_ca_file}', but CELERY_BROKER_URL or "
            "CELERY_RESULT_BACKEND is a redis:// URL: the password would cross the network in "
            "plain text"
        )


def _lines(where: str, error: ValidationError) -> str:
    return "\n".join(f"{where}{_line(detail)}" for detail in error.errors(include_url=False))


def _line(detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    reason = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "missing":
        return f"{key} is not set"
    if not key:
        return reason
    value = detail["input"]
    if key in _NEVER_SHOWN or not isinstance(value, str | int | float):
        return f"{key}: {reason}"
    return f"{key} is {value!r}: {reason}"
