"""The worker image, built for real and run from its own files, as a container would run it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rehearsal.image.container import DATA_DIR, USER, contained
from rehearsal.image.store import Image
from rehearsal.image.worker_image import WorkerImage
from tests.rehearsal.worker_fleet import Broker, Fleet, Processes, eventually, free_port

ROOT = Path(__file__).resolve().parents[2]
LOCK = "worker_image/requirements.txt"
# The first run on a machine makes the base by debootstrap and fetches the packages.
pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(600)]

# Publishes a task as another process of the fleet would, and prints what came back.
ONE_TASK = """
from worker_image.app import app
app.loader.import_default_modules()
sent = app.send_task("worker_image.tasks.samples.make_samples", kwargs={"count": 2})
print(len(sent.get(timeout=20)["images"]), sent.state)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> WorkerImage:
    return WorkerImage(ROOT, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def image(built: WorkerImage) -> Image:
    return built.build("cpu", "worker:cpu")


@pytest.fixture(scope="module")
def files(built: WorkerImage, image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's files, unpacked."""
    assert image.layers
    return built.store.root_of("worker:cpu", tmp_path_factory.mktemp("root"))


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    broker = Broker(tmp_path, free_port(), Processes(tmp_path))
    broker.start()
    fleet = Fleet(tmp_path, broker, Processes(tmp_path))
    yield fleet
    fleet.stop()
    broker.processes.stop()


def test_two_builds_give_the_same_digest(built: WorkerImage, image: Image) -> None:
    again = built.build("cpu", "worker:again", cached=False)

    assert again.image_id == image.image_id
    assert [layer.mib for layer in again.layers] == [layer.mib for layer in image.layers]


def test_the_label_names_every_package_of_the_lock(built: WorkerImage, image: Image) -> None:
    (labels,) = (image.config["Labels"],)
    assert isinstance(labels, dict)
    told = labels["dev.celery-fleet.packages"].split()

    assert told == built.packages.split()
    assert {"celery==5.7.0", "kombu==5.7.0"} <= set(told)


def test_a_label_that_is_not_what_is_installed_ends_the_build(built: WorkerImage) -> None:
    with pytest.raises(Exception, match="PACKAGES is not what the image holds") as told:
        built.build("cpu", "worker:lying", PACKAGES="celery==5.6.0")

    assert "['celery==5.6.0']" in str(told.value)


def test_the_image_runs_as_nobody_special_under_tini(image: Image) -> None:
    config = image.config

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["tini", "--"]
    assert not any("NVIDIA" in variable for variable in _environment(image))


def test_a_docker_build_keeps_the_health_check(built: WorkerImage) -> None:
    image = built.build("cpu", "worker:docker", kind="docker")

    health = image.config["Healthcheck"]
    assert isinstance(health, dict)
    assert health["Test"][0] == "CMD-SHELL"
    assert "$FLEET_HEARTBEAT_FILE" in health["Test"][1]


def test_flavour_gpu_asks_for_a_driver_and_for_no_gpu_of_its_own(built: WorkerImage) -> None:
    # Its framework is 3 GB; the workers' own lock, installed again, takes its place.
    image = built.build("gpu", "worker:gpu", GPU_REQUIREMENTS=LOCK)

    variables = _environment(image)
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in variables
    assert not any(each.startswith("NVIDIA_VISIBLE_DEVICES") for each in variables)
    assert image.config["User"] == "10001:10001"


def test_no_compiler_installer_or_cache_is_left(files: Path) -> None:
    names = {
        path.name for folder in ("usr/bin", "usr/local/bin") for path in (files / folder).iterdir()
    }
    packages = files / "opt/venv/lib/python3.11/site-packages"

    assert names & {"gcc", "cc", "g++", "make", "ld"} == set()
    assert not (packages / "pip").exists()
    assert [each for each in ("root/.cache", "opt/pip") if (files / each).exists()] == []
    assert [each for each in ("tmp", "mnt") if list((files / each).iterdir())] == []
    assert list((files / "var/lib/apt/lists").iterdir()) == []


def test_every_module_is_compiled_for_a_root_that_cannot_be_written(files: Path) -> None:
    for code in ("opt/app/worker_image", "opt/venv/lib/python3.11/site-packages/celery"):
        sources = [path for path in (files / code).rglob("*.py") if path.stat().st_size]
        assert sources
        for source in sources:
            compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc"
            # Bit 0 of the flags: found by hash, not by time; bit 1 unset: the hash is not checked.
            assert compiled.read_bytes()[4:8] == (1).to_bytes(4, "little"), source


def test_a_worker_runs_a_task_from_the_image_and_writes_nowhere_else(
    fleet: Fleet, image: Image, files: Path
) -> None:
    before = _listing(files)
    worker = _worker(fleet, image, files)
    eventually(lambda: _tini(worker), within_s=10)

    data = fleet.folder / "inside"
    eventually((data / "heartbeat").exists, within_s=20)
    answer = fleet.publish(ONE_TASK)
    made = sorted(path.name for path in (data / "samples").iterdir())
    (owner,) = {path.stat().st_uid for path in (data / "samples").iterdir()}
    checked = _health(files, data, image)
    started = time.monotonic()
    _tini(worker).send_signal(signal.SIGTERM)

    assert worker.wait(timeout=20) == 0
    assert time.monotonic() - started < 5
    assert answer == ["2", "SUCCESS"]
    assert len(made) >= 2
    assert owner == USER
    assert checked == 0
    assert _health(files, data, image) == 1  # its heartbeat has gone with the worker
    assert _listing(files) == before


def _environment(image: Image) -> list[str]:
    variables = image.config["Env"]
    assert isinstance(variables, list)
    return [str(each) for each in variables]


def _inside(fleet: Fleet, image: Image) -> dict[str, str]:
    """The image's own environment, and what a pod's author adds."""
    data = fleet.folder / "inside"
    data.mkdir(exist_ok=True)
    for name, text in {
        "settings.json": json.dumps(fleet.settings),
        "ca.crt": fleet.broker.ca.read_text(),
    }.items():
        (data / name).write_text(text)
    os.chown(data, USER, USER)
    own = dict(each.split("=", 1) for each in _environment(image))
    return own | {
        "CELERY_BROKER_URL": fleet.broker.url(0),
        "CELERY_RESULT_BACKEND": fleet.broker.url(1),
        "FLEET_BROKER_CA_FILE": f"{DATA_DIR}/ca.crt",
        "FLEET_SETTINGS_FILE": f"{DATA_DIR}/settings.json",
        "FLEET_HEARTBEAT_FILE": f"{DATA_DIR}/heartbeat",
        "FLEET_WORKER": "default",
        "POD_NAME": "pod-1",
    }


def _worker(fleet: Fleet, image: Image, files: Path) -> subprocess.Popen[bytes]:
    entry = image.config["Entrypoint"]
    assert isinstance(entry, list)
    options = ("--queues=default", "--concurrency=1", "--prefetch-multiplier=1")
    command = [*entry, "celery", "--app=worker_image.app", "worker", *options]
    env = _inside(fleet, image)
    workdir = str(image.config["WorkingDir"])
    argv = contained(files, fleet.folder / "inside", command, env, workdir)
    return fleet.processes.start(fleet.log("inside"), *argv, PATH=os.environ["PATH"])


def _tini(worker: subprocess.Popen[bytes]) -> psutil.Process:
    """Process 1 of the container, once the set-up has become it."""
    children = psutil.Process(worker.pid).children()
    found = [child for child in children if child.name() == "tini"]
    if not found:
        time.sleep(0.05)
        return _tini(worker) if worker.poll() is None else pytest.fail("the worker has ended")
    return found[0]


def _health(files: Path, data: Path, image: Image) -> int:
    """Exit code of the heartbeat's check, as a container runtime would run it."""
    script = "find \"$FLEET_HEARTBEAT_FILE\" -newermt '-60 seconds' | grep -q ."
    env = {"FLEET_HEARTBEAT_FILE": f"{DATA_DIR}/heartbeat", "PATH": "/usr/bin:/bin"}
    argv = contained(files, data, ["sh", "-c", script], env, str(image.config["WorkingDir"]))
    return subprocess.run(argv, check=False, capture_output=True).returncode


def _listing(root: Path) -> set[tuple[str, int, int]]:
    return {
        (path.relative_to(root).as_posix(), info.st_size, info.st_mtime_ns)
        for path in root.rglob("*")
        if (info := path.lstat())
    }
