"""`python -m benchmarks.image`: size, start, memory and speed of the worker image's workers."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.image import page, picture
from benchmarks.image.arms import Bench, Shape, bench
from benchmarks.image.report import LayerWeight, Report
from benchmarks.image.speed import speeds, waits
from benchmarks.image.weight import built, idle, start_in_image_s, start_s
from fleet.progress import Progress

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "image.json"
_IDLE = (Shape("solo", 1), Shape("prefork", 1), Shape("prefork", 4), Shape("gevent", 4))
_STARTS = 5


def main() -> int:
    """Run, print the tables, write the files; 1 where a target is missed."""
    options = _options()
    console = Console()
    temporary = tempfile.TemporaryDirectory(prefix="celery-fleet-image-")
    with temporary as folder, bench(Path(folder)) as ready:
        report = _run(ready, options, Progress(console))
    for table in report.tables():
        console.print(table)
    report.write(options.results)
    options.results.with_suffix(".md").write_text(page.markdown(report))
    picture.save(report.speeds, options.results.with_suffix(".png"))
    for problem in report.problems:
        console.print(f"! {problem}", style="red")
    return 1 if report.problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.image", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="of blocks, for each ratio")
    parser.add_argument("--image", action="store_true", help="build it; its size, a start in it")
    parser.add_argument(
        "--results", type=Path, default=_RESULTS, help="JSON file; .md and .png beside it"
    )
    return parser.parse_args()


def _run(ready: Bench, options: argparse.Namespace, progress: Progress) -> Report:
    began = time.monotonic()
    layers: list[LayerWeight] = []
    progress.say("start", f"{_STARTS} of each worker; all in all about ten minutes")
    starts_s = {
        "plain": start_s(ready, "plain", _STARTS),
        "checkout": start_s(ready, "fleet", _STARTS),
    }
    if options.image:
        progress.say("image", "is built, or taken from the cache")
        image, root = built(ready.folder)
        layers = [LayerWeight(layer.created_by, layer.mib) for layer in image.layers]
        starts_s["image"] = start_in_image_s(ready, root, image, _STARTS)
    progress.say("memory", "of idle workers")
    memory = [idle(ready, shape) for shape in _IDLE]
    found = []
    for speed in speeds(ready, options.pairs):
        found.append(speed)
        of = f"{speed.shape}, {1000 * speed.task_s:.0f} ms tasks"
        progress.say("speed", f"{of}: {speed.ratio:.2f} x plain Celery")
    progress.say("waits", "from a message's push to its task's start")
    return Report(
        layers=layers,
        starts_s=starts_s,
        idle=memory,
        speeds=found,
        waits=list(waits(ready)),
        pairs=options.pairs,
        took_s=time.monotonic() - began,
    )


if __name__ == "__main__":
    sys.exit(main())
