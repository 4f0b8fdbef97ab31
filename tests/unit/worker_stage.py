"""A small fleet's environment and settings.json, for the tests of the worker image."""

import json
from pathlib import Path
from typing import Any

import pytest

from worker_image import settings

PASSWORD = "p%2Fw:d"
QUEUE: dict[str, Any] = {
    "priorities": False,
    "priority": 5,
    "rateLimits": {},
    "softTimeLimitSeconds": 1500,
    "timeLimitSeconds": 1800,
}


def document(**changes: Any) -> dict[str, Any]:
    """Imagineer's settings.json, with top-level keys replaced."""
    tasks = "worker_image.tasks"
    queues = {
        "default": [f"{tasks}.{name}.*" for name in ("maintenance", "samples", "canary")],
        **{name: [f"{tasks}.{name}.*"] for name in ("training", "scraping", "labeling")},
    }
    return {
        "queues": {
            name: {**QUEUE, "routes": routes, "priorities": name == "labeling"}
            for name, routes in queues.items()
        },
        "workers": {name: {"queues": [name], "inFlightKey": f"unacked:{name}"} for name in queues},
        "keyPrefix": "",
        "separator": ":",
        "prioritySteps": [0, 3, 6, 9],
        "visibilityTimeoutSeconds": 3780,
        **changes,
    }


def fair_document(**changes: Any) -> dict[str, Any]:
    """Imagineer's settings.json, where `labeling` has a list for each tenant."""
    told = document(**changes)
    told["queues"]["labeling"] |= {"priorities": False, "pendingKey": "fair:labeling:pending"}
    return told


def environ(folder: Path, told: dict[str, Any] | None = None, /, **changes: str) -> dict[str, str]:
    """Environment of a process whose files lie in the folder; an empty change unsets."""
    file = folder / "settings.json"
    file.write_text(json.dumps(document() if told is None else told))
    data = folder / "data"
    data.mkdir(exist_ok=True)
    return {
        "CELERY_BROKER_URL": f"redis://fleet:{PASSWORD}@127.0.0.1:6399/0",
        "CELERY_RESULT_BACKEND": f"redis://fleet:{PASSWORD}@127.0.0.1:6399/1",
        "FLEET_SETTINGS_FILE": str(file),
        "FLEET_DATA_DIR": str(data),
        "POD_NAME": "pod-1",
        **changes,
    }


def load(folder: Path, told: dict[str, Any] | None = None, /, **changes: str) -> settings.Settings:
    return settings.load(environ(folder, told, **changes))


def enter(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Make this process one of the fleet's, until the test ends; returns its data folder."""
    for name, value in environ(folder).items():
        monkeypatch.setenv(name, value)
    mine = settings.load(environ(folder))
    monkeypatch.setattr(settings, "current", lambda: mine)
    monkeypatch.setattr("worker_image.storage.current", settings.current)
    return folder / "data"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}
