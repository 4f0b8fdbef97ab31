"""Each task of the image, delivered twice: the second run leaves the data folder as it was."""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.unit.test_worker_small_tasks import BUILDAH
from tests.unit.worker_stage import environ, load
from worker_image import settings
from worker_image.factory import build_app

TEXT = b"a line\nanother line\n\na line\n"
TASKS = "worker_image.tasks"
# Arguments by task; `{site}` is a server on loopback.
ARGUMENTS: Mapping[str, dict[str, Any]] = {
    "build.build_image": {"name": "web", "context": "contexts/web"},
    "canary.probe": {},
    "canary.work": {"seconds": 0},
    "datasets.download": {"url": "{site}/file", "name": "new.txt"},
    "datasets.ingest": {"name": "a.txt"},
    "deploy_build.deploy": {"name": "web", "version": "2"},
    "extraction.extract_features": {"path": "samples"},
    "labeling.label_image": {"path": "samples/image-0000.png"},
    "maintenance.record_disk_usage": {},
    "maintenance.purge_stale_scrapes": {},
    "maintenance.purge_stale_training": {},
    "processing.tokenize": {"name": "a.txt"},
    "processing.transform": {"name": "a.txt"},
    "quick.update_metadata": {"name": "model", "values": {"layers": 2}},
    "samples.make_samples": {"count": 2},
    "scraping.fetch_page": {"url": "{site}/page"},
    "training.train": {"run_id": "run", "epochs": 2},
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Celery:
    for name, value in environ(tmp_path).items():
        monkeypatch.setenv(name, value)
    mine = load(tmp_path)
    monkeypatch.setattr(settings, "current", lambda: mine)
    monkeypatch.setattr("worker_image.storage.current", settings.current)
    app = build_app(mine)
    app.loader.import_default_modules()
    return app


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with something for every task; a stand-in of buildah is on PATH."""
    folder = tmp_path / "data"
    for name in ("datasets", "contexts/web", "scrapes", "training/old"):
        (folder / name).mkdir(parents=True)
    (folder / "datasets" / "a.txt").write_bytes(TEXT)
    (folder / "contexts" / "web" / "Dockerfile").write_text("FROM scratch\n")
    for old in (folder / "scrapes" / "old.html", folder / "training" / "old" / "weights"):
        old.write_text("old")
        for path in (old, old.parent):
            os.utime(path, (time.time() - 90 * 86_400,) * 2)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "buildah").write_text(BUILDAH)
    (tools / "buildah").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return folder


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if self.path == "/robots.txt" else 200)
            self.send_header("content-length", str(len(TEXT)))
            self.end_headers()
            self.wfile.write(TEXT)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def contents(folder: Path) -> dict[str, str]:
    """Hash of each file by path; the locks beside them are empty."""
    return {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_every_task_of_the_image_is_tried(app: Celery) -> None:
    ours = {name.removeprefix(f"{TASKS}.") for name in app.tasks if name.startswith(TASKS)}

    assert set(ARGUMENTS) == ours


@pytest.mark.parametrize("task", ARGUMENTS)
def test_a_second_delivery_leaves_what_the_first_one_left(
    app: Celery, data: Path, site: str, task: str
) -> None:
    app.tasks[f"{TASKS}.samples.make_samples"].apply(kwargs={"count": 2}).get()
    before = contents(data)
    told = {
        name: value.format(site=site) if isinstance(value, str) else value
        for name, value in ARGUMENTS[task].items()
    }

    def deliver() -> dict[str, str]:
        app.tasks[f"{TASKS}.{task}"].apply(kwargs=told, task_id="one").get()
        return contents(data)

    first = deliver()
    assert deliver() == first
    changes_nothing = {
        "canary.probe",
        "canary.work",
        "labeling.label_image",
        "samples.make_samples",
    }
    assert (first == before) is (task in changes_nothing)


@pytest.mark.parametrize("task", ARGUMENTS)
def test_every_task_is_kept_by_late_acknowledgement_and_sent_again_soon(
    app: Celery, task: str
) -> None:
    found = app.tasks[f"{TASKS}.{task}"]

    assert found.acks_late is True
    assert found.reject_on_worker_lost is True
    assert found.default_retry_delay <= 10
