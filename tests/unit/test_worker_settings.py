"""Each mistake in environment or settings.json is named, with value and reason, at the start."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.worker_stage import QUEUE, document, environ, load
from worker_image import settings
from worker_image.settings import SettingsError

MISTAKES = {
    "CELERY_BROKER_URL": [
        ("", "CELERY_BROKER_URL is not set"),
        ("amqp://guest@localhost//", "CELERY_BROKER_URL: the scheme must be redis:// or rediss://"),
        ("redis://localhost/0", "host and port must be given"),
        ("redis://localhost:6379/celery", "the number of a Redis database"),
        ("redis://u:p/w@localhost:6379/0", "is the password percent-encoded?"),
        ("rediss://h:1/0?ssl_cert_reqs=none", "the only option allowed is ssl_cert_reqs=required"),
    ],
    "CELERY_RESULT_EXPIRES": [("0", "CELERY_RESULT_EXPIRES is '0': Input should be greater")],
    "FLEET_BROKER_CA_FILE": [("/nowhere/ca.crt", "FLEET_BROKER_CA_FILE is '/nowhere/ca.crt'")],
    "FLEET_SETTINGS_FILE": [("/nowhere/settings.json", "Path does not point to a file")],
    "FLEET_DATA_DIR": [("", "FLEET_DATA_DIR is not set")],
    "FLEET_WORKER": [("labelling", "no such worker in")],
    "IMAGINEER_MAINTENANCE_QUEUE": [("maintenance", "no such queue in")],
    "IMAGINEER_PURGE_TRAINING_HOUR": [("24", "is '24': Input should be less than or equal to 23")],
    "IMAGINEER_PURGE_SCRAPE_HOUR": [("-1", "is '-1': Input should be greater than or equal to 0")],
    "IMAGINEER_DISK_SAMPLE_HOURS": [
        ("0", "is '0': Input should be greater than or equal to 1"),
        ("often", "is 'often': Input should be a valid integer"),
    ],
}


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [(name, value, told) for name, cases in MISTAKES.items() for value, told in cases],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, **{variable: value})

    assert variable in str(caught.value)
    assert told in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, IMAGINEER_PURGE_TRAINING_HOUR="24", CELERY_RESULT_EXPIRES="soon")

    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("url", ["http://u:s3cret@h:1/0", "redis://u:s3cret/x@h:6379/0", "s3cret"])
def test_a_password_is_never_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, CELERY_BROKER_URL=url)

    assert "s3cret" not in str(caught.value)
    assert "p%2Fw" not in repr(load(tmp_path))


def _queue(**changes: Any) -> dict[str, Any]:
    queues = document()["queues"]
    return document(queues={**queues, "labeling": {**queues["labeling"], **changes}})


def _worker(name: str, **changes: Any) -> dict[str, Any]:
    workers = document()["workers"]
    return document(workers={**workers, name: {**workers["labeling"], **changes}})


DOCUMENTS = [
    (document(keyprefix="x"), "keyprefix is 'x': Extra inputs are not permitted"),
    (document(visibilityTimeoutSeconds="3780"), "visibilityTimeoutSeconds is '3780'"),
    (document(prioritySteps=[3, 6]), "prioritySteps [3, 6] do not ascend from 0"),
    (document(prioritySteps=[0, 6, 3]), "do not ascend"),
    (document(prioritySteps=[0, 12]), "prioritySteps.1 is 12"),
    (document(separator="-", queues={"a-b": QUEUE}, workers={}), "contains the separator '-'"),
    (document(queues={"team:q": {}}, workers={}), "queues.team:q"),
    (_queue(priority=11), "queues.labeling.priority is 11: Input should be less than or equal"),
    (_queue(timeLimitSeconds=0), "queues.labeling.timeLimitSeconds is 0"),
    (_queue(rateLimit={}), "queues.labeling.rateLimit"),
    (_queue(rateLimits={"t": "5 a second"}), "queues.labeling.rateLimits.t is '5 a second'"),
    (_worker("labeling", queues=["gpu"]), "consumes undeclared queues ['gpu']"),
    (_worker("labeling", queues=[]), "workers.labeling.queues"),
    (_worker("second"), "workers 'labeling' and 'second' share the inFlightKey"),
]


@pytest.mark.parametrize(("told", "expected"), DOCUMENTS)
def test_a_wrong_key_of_the_settings_file_is_named(
    tmp_path: Path, told: dict[str, Any], expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, told)

    assert expected in str(caught.value)
    assert str(tmp_path / "settings.json") in str(caught.value)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    env = environ(tmp_path)
    Path(env["FLEET_SETTINGS_FILE"]).write_text("{")

    with pytest.raises(SettingsError, match=r"settings.json: Invalid JSON"):
        settings.load(env)


def test_a_ca_file_without_tls_is_refused(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text("CA")

    with pytest.raises(SettingsError, match="plain text"):
        load(tmp_path, FLEET_BROKER_CA_FILE=str(ca))


def test_a_process_with_wrong_settings_ends_with_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environ(tmp_path, FLEET_DATA_DIR="")
    monkeypatch.setattr(settings, "current", lambda: settings.load(env))

    with pytest.raises(SystemExit) as ended:
        settings.current_or_exit()

    assert ended.value.code == "worker_image cannot start:\nFLEET_DATA_DIR is not set"


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert load(tmp_path, IMAGINEER_PURGE_SCRAPE_HOUR="").environment.purge_scrape_hour_utc == 4
