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

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "image.json"
_IDLE = (Shape("solo", 1), Shape("prefork", 1), Shape("prefork", 4), Shape("gevent", 4))
_STARTS = 5


def main() -> int:
    """Run, print the tables, write the files; 1 where a target is missed."""
    options = _options()
    console = Console()
    temporary = tempfile.TemporaryDirectory(prefix="celery-fleet-image-")
    with temporary as folder, bench(Path(folder)) as ready:
        report = _run(ready, options)
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


def _run(ready: Bench, options: argparse.Namespace) -> Report:
    began = time.monotonic()
    layers: list[LayerWeight] = []
    starts_s = {
        "plain": start_s(ready, "plain", _STARTS),
        "checkout": start_s(ready, "fleet", _STARTS),
    }
    if options.image:
        image, root = built(ready.folder)
        layers = [LayerWeight(layer.created_by, layer.mib) for layer in image.layers]
        starts_s["image"] = start_in_image_s(ready, root, image, _STARTS)
    return Report(
        layers=layers,
        starts_s=starts_s,
        idle=[idle(ready, shape) for shape in _IDLE],
        speeds=list(speeds(ready, options.pairs)),
        waits=list(waits(ready)),
        pairs=options.pairs,
        took_s=time.monotonic() - began,
    )


if __name__ == "__main__":
    sys.exit(main())
