"""`python -m chaos.fuzz`: malformed messages against real workers; a table, JSON, an exit code."""

import ast
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from chaos.conclusion import RESULTS
from chaos.fuzz import judge, payloads
from chaos.fuzz.judge import Verdict
from chaos.fuzz.messages import Maker
from chaos.fuzz.run import Sent, rest, send
from chaos.fuzz.seen import look
from chaos.fuzz.stage import POOLS, Stage
from chaos.processes import Processes
from fleet.progress import Progress
from worker_image.conf import TASK_MODULES

_CHECKOUT = Path(__file__).resolve().parents[2]
_ENDS = (judge.DONE, judge.PARKED, judge.ENDED, judge.NOTHING)


def main(
    *,
    messages: Annotated[int, typer.Option(min=1, help="How many; one in ten is valid.")] = 50_000,
    seed: Annotated[int, typer.Option(help="All messages are made of it.")] = 1,
    only: Annotated[str, typer.Option(help="Numbers of messages, with commas between.")] = "",
    app: Annotated[str, typer.Option(help="Of the workers.")] = "chaos.fuzz.app",
    results: Annotated[Path | None, typer.Option(help="File of figures.")] = None,
) -> None:
    """Exit with 1 where a message ends otherwise than is promised, or anything else does."""
    console, numbers = Console(), [int(each) for each in only.split(",") if each]
    verdict, figures = fuzz(numbers or range(messages), seed, Progress(console), app)
    console.print(table(verdict))
    for problem in verdict.problems:
        console.print(f"! {problem}", style="red", highlight=False, soft_wrap=True, markup=False)
    console.print_json(json.dumps(figures))
    file = results or (None if numbers else RESULTS / "fuzz.json")
    if file is not None and not verdict.problems:
        file.write_text(json.dumps(figures, indent=2) + "\n")
        console.print(f"saved {file}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if verdict.problems else 0)


def fuzz(
    numbers: Sequence[int], seed: int, progress: Progress, app: str = "chaos.fuzz.app"
) -> tuple[Verdict, dict[str, Any]]:
    """Send these messages and judge what became of them; the verdict, and its figures.

    Raises:
        TimeoutError: workers did not start, or take messages no more.

    """
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    progress.say("logs", str(folder))
    stage = Stage(Processes(folder), app)
    maker = Maker(seed, folder / "code-was-run", tasks(), tuple(POOLS))
    try:
        with progress.running("start") as tell:
            stage.start()
        began = time.monotonic()
        with progress.running("fuzz") as tell:
            sent = send(stage, maker, numbers, tell)
            rest(stage, tell)
        took_s = time.monotonic() - began
        seen = look(stage, code_run=maker.marker.exists())
    finally:
        stage.stop()
    verdict = judge.judged(seed, sent, seen, stage.rss_mib)
    figures = _figures(verdict, sent, stage.rss_mib, took_s)
    ended = {"processes ended": [*seen.ended, *seen.pools_changed], "code run": seen.code_run}
    return verdict, figures | ended


def tasks() -> tuple[str, ...]:
    """Return the names of the image's tasks, read from its source: nothing of it runs here."""
    return tuple(
        f"{module}.{node.name}"
        for module in TASK_MODULES
        for node in ast.parse((_CHECKOUT / f"{module.replace('.', '/')}.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    )


def table(verdict: Verdict) -> Table:
    """Lay out what became of each kind of message."""
    told = Table("kind of message", *_ENDS, title=f"seed {verdict.seed}")
    for kind, ends in sorted(verdict.outcomes.items()):
        told.add_row(kind, *(str(ends[end]) for end in _ENDS))
    total = sum(verdict.outcomes.values(), Counter())
    told.add_row("all", *(str(total[end]) for end in _ENDS), style="bold")
    return told


def _figures(
    verdict: Verdict, sent: Sent, rss_mib: dict[str, float], took_s: float
) -> dict[str, Any]:
    ends: Counter[str] = sum(verdict.outcomes.values(), Counter())
    valid = verdict.outcomes.get("valid", Counter())
    return {
        "seed": verdict.seed,
        "messages": len(sent.messages),
        "valid": valid.total(),
        "valid lost": valid.total() - valid[judge.DONE],
        "malformed": len(sent.messages) - valid.total(),
        "ends": dict(ends),
        "by kind": {kind: dict(each) for kind, each in sorted(verdict.outcomes.items())},
        "letters by reason": dict(verdict.reasons.most_common(40)),
        "malformed records of what is held": len(sent.records),
        "malformed letters": sent.letters,
        "malformed commands": sent.commands,
        "most RSS of a process, MiB": {name: round(mib) for name, mib in rss_mib.items()},
        "a bomb unpacks to, MiB": payloads.BOMB_BYTES // 1024**2,
        "took, s": round(took_s, 1),
        "problems": verdict.problems,
    }


if __name__ == "__main__":
    typer.run(main)
