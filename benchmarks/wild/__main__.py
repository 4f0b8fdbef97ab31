"""`python -m benchmarks.wild`: what a base's tasks wait beside a preview gone wild."""

import argparse
import json
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import redis
from rich.console import Console

from benchmarks.wild.report import PUSHED, QUIET, UNBOUNDED, Phase, Report
from benchmarks.wild.stage import QUEUE, Stack, broker, end, free_port
from benchmarks.wild.watching import Watch
from fleet.previews import forget
from fleet.progress import Progress
from infra.models.tier import TIERS

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "wild.json"
_PREFIX = "preview-wild:"
_BOMB = "benchmarks.wild.bomb"
_CANARIES_PER_S = 10
_PUSHED_AT_ONCE = 100
_BASE_SLOTS, _PREVIEW_SLOTS = 2, 2
_SEND_BOMB = f"""
from worker_image.app import app
app.loader.import_default_modules()
from {_BOMB} import split
split.apply_async(queue={QUEUE!r})
"""

Wild = Callable[[], dict[str, int]]


class Bench:
    """The base with its worker, the preview as each phase wants it, and the broker of both."""

    def __init__(self, folder: Path, port: int, client: "redis.Redis", opened: ExitStack) -> None:
        most = TIERS["preview"].max_messages
        if most is None:
            raise TypeError("tier preview states how many messages a queue may hold")
        self.most = most
        self._client, self._port, self._opened = client, port, opened
        folders = [folder / name for name in ("base", "preview")]
        for each in folders:
            each.mkdir()
        self._base = Stack(folders[0], port, "", None, opened)
        self._preview = Stack(folders[1], port, _PREFIX, most, opened)

    def phases(self, seconds: float, messages: int) -> Iterator[Phase]:
        """Each phase's figures, in order."""
        self._base.worker(_BASE_SLOTS)
        for stack in (self._base, self._preview):
            stack.start("janitor", "python", "-m", "worker_image.janitor")
        yield self._phase(QUIET, seconds, dict)
        with self._worker(self._preview):
            yield self._phase(PUSHED, seconds, self._push(messages))
        yield self._phase("all of them removed", seconds / 2, self._forget)
        # Nobody takes them: with a worker that keeps up none would be refused.
        yield self._phase("messages sent by the image", seconds, self._flood(messages))
        self._forget()
        for name, most in (("a fork bomb", self.most), (UNBOUNDED, None)):
            with self._worker(replace(self._preview, most=most), "-I", _BOMB):
                yield self._phase(name, seconds, self._bomb)
            self._forget()
        yield self._phase("quiet again", seconds, dict)

    def _phase(self, name: str, seconds: float, wild: Wild) -> Phase:
        """Let the preview go wild while canaries are sent."""
        self._client.slowlog_reset()
        told: dict[str, int] = {}
        going = threading.Thread(target=lambda: told.update(wild()))
        with Watch(self._client, _PREFIX, QUEUE) as watch:
            going.start()
            pace = (str(seconds), str(_CANARIES_PER_S))
            printed = self._base.told_by("-m", "benchmarks.wild.canaries", *pace)
            going.join()
        return Phase(
            name=name,
            waits_ms=[round(1000 * wait_s, 1) for wait_s in json.loads(printed)],
            held_most=watch.held_most,
            memory_most_mib=round(watch.memory_most / 2**20, 1),
            slowest_command_ms=watch.slowest_ms(),
            told=told,
        )

    @contextmanager
    def _worker(self, stack: Stack, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
        process = stack.worker(_PREVIEW_SLOTS, *options)
        try:
            yield process
        finally:
            end(process)

    def _push(self, messages: int) -> Wild:
        def push() -> dict[str, int]:
            """Copies of one message, as many a command as a careless client would."""
            key = f"{_PREFIX}{QUEUE}"
            text = self._message()
            for _ in range(messages // _PUSHED_AT_ONCE):
                self._client.lpush(key, *[text] * _PUSHED_AT_ONCE)
            return {"pushed": messages, "bytes each": len(text)}

        return push

    def _message(self) -> str:
        """As the image writes one, of another stack, which nobody serves."""
        folder = self._preview.folder.parent / "sample"
        folder.mkdir(exist_ok=True)
        sample = replace(self._preview, folder=folder, prefix="sample:")
        sample.told_by("-m", "benchmarks.wild.flood", "1")
        return str(self._client.lindex(f"sample:{QUEUE}", 0))

    def _flood(self, messages: int) -> Wild:
        def flood() -> dict[str, int]:
            told = self._preview.told_by("-m", "benchmarks.wild.flood", str(messages))
            return {str(word): int(count) for word, count in json.loads(told).items()}

        return flood

    def _bomb(self) -> dict[str, int]:
        self._preview.told_by("-c", _SEND_BOMB)
        return {}

    def _forget(self) -> dict[str, int]:
        """As `fleet preview down` does."""
        with redis.Redis(port=self._port, db=1) as results:
            removed = forget.forget(self._client, _PREFIX) + forget.forget(results, _PREFIX)
        return {"keys removed": removed}


def main() -> int:
    """Measure, print and write the figures; 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wild", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of canaries in each phase")
    parser.add_argument("--messages", type=int, default=100_000, help="of a wild preview")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file")
    options = parser.parse_args()
    console = Console()
    progress = Progress(console)
    temporary = tempfile.TemporaryDirectory(prefix="celery-fleet-wild-")
    port = free_port()
    phases = []
    with temporary as folder, broker(port) as client, ExitStack() as opened:
        bench = Bench(Path(folder), port, client, opened)
        for phase in bench.phases(options.seconds, options.messages):
            progress.say(phase.name, f"the base's tasks wait {phase.wait_ms(0.95):.0f} ms (p95)")
            phases.append(phase)
    report = Report(bench.most, _CANARIES_PER_S, phases)
    console.print(report.table())
    report.write(options.results)
    for problem in report.problems:
        console.print(f"! {problem}", style="red")
    return 1 if report.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
