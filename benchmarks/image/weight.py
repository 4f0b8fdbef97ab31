"""How soon a worker works, what it holds in memory while idle, and what the image weighs."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmarks.image.arms import Arm, Bench, Shape, list_of, until
from rehearsal.image.container import DATA_DIR, USER, contained
from rehearsal.image.store import Image
from rehearsal.image.worker_image import WorkerImage

_ROOT = Path(__file__).resolve().parents[2]
_SHAPE = Shape("prefork", 1)
_MIB = 2**20


@dataclass(frozen=True)
class Idle:
    """Memory of an idle worker: its main process, and all of them with shared pages once."""

    shape: str
    main_rss_mib: float
    pss_mib: float


def idle(bench: Bench, shape: Shape) -> Idle:
    """Start a worker of the fleet and look at its processes once they rest."""
    bench.client().flushall()
    with bench.worker("fleet", shape) as pid:
        time.sleep(2.0)
        main = psutil.Process(pid)
        everyone = [main, *main.children(recursive=True)]
        pss = sum(each.memory_full_info().pss for each in everyone)
        return Idle(str(shape), main.memory_info().rss / _MIB, pss / _MIB)


def start_s(bench: Bench, arm: Arm, rounds: int) -> float:
    """Median seconds from the start of a worker to the result of a message that waited for it."""
    command, env = bench.command(arm, _SHAPE), bench.environment(arm, _SHAPE)
    return median(_start_s(bench, arm, command, env) for _ in range(rounds))


def start_in_image_s(bench: Bench, root: Path, image: Image, rounds: int) -> float:
    """The same in the image's own files, as a container runtime would start it."""
    data = bench.folder / "inside"
    data.mkdir(exist_ok=True)
    env = bench.environment("fleet", _SHAPE)
    (data / "settings.json").write_text(Path(env["FLEET_SETTINGS_FILE"]).read_text())
    for path in (data, data / "settings.json"):
        subprocess.run(["chown", f"{USER}:{USER}", str(path)], check=True)
    variables, entry = image.config["Env"], image.config["Entrypoint"]
    assert isinstance(variables, list)  # noqa: S101 - told by the image's own configuration
    assert isinstance(entry, list)  # noqa: S101 - likewise
    inside = dict(each.split("=", 1) for each in variables)
    inside |= {k: v for k, v in env.items() if k.startswith("CELERY_")}
    inside |= {
        "FLEET_SETTINGS_FILE": f"{DATA_DIR}/settings.json",
        "FLEET_WORKER": env["FLEET_WORKER"],
        "POD_NAME": "bench",
    }
    words = bench.command("fleet", _SHAPE)[2:]
    command = [*entry, "celery", "--app=worker_image.app", *words]
    argv = contained(root, data, command, inside, str(image.config["WorkingDir"]))
    return median(_start_s(bench, "fleet", argv, env) for _ in range(rounds))


def built(folder: Path) -> tuple[Image, Path]:
    """Build the CPU flavour; the image and its files."""
    worker_image = WorkerImage(_ROOT, folder)
    image = worker_image.build("cpu", "worker:cpu")
    root = folder / "root"
    root.mkdir()
    return image, worker_image.store.root_of("worker:cpu", root)


def _start_s(bench: Bench, arm: Arm, command: list[str], env: dict[str, str]) -> float:
    (message,) = bench.messages(arm, 1, 0)
    bench.client().lpush(list_of(arm), message)
    with (bench.folder / "start.log").open("wb") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            until(lambda: bench.results() == 1, f"first result of {arm}")
            return time.monotonic() - started
        finally:
            _terminate(process)


def _terminate(process: "subprocess.Popen[bytes]") -> None:
    """End a worker, or the one inside the container whose set-up this process is."""
    main = psutil.Process(process.pid)
    inside = [child for child in main.children() if child.name() == "tini"]
    (inside[0] if inside else main).terminate()
    process.wait(timeout=30)
