"""`fleet preview down`: nothing of a preview is left, in cluster, broker, state and checkout."""

from datetime import UTC, datetime

from rich.console import Console

from fleet.previews import records
from fleet.previews.base import base_of, worker_image
from fleet.previews.cleaning import Cleaning
from fleet.previews.engine import PreviewEngine
from fleet.previews.place import Place
from fleet.previews.retold import wish_told
from fleet.previews.stack_file import Wish
from fleet.previews.up import write
from fleet.progress import Progress
from infra.models.fleet import FleetConfig


def run(
    where: Place, engine: PreviewEngine, name: str, console: Console, *, leave_keys: bool = False
) -> bool:
    """Take a preview down, from wherever an earlier run left it; False if there was none.

    Nobody else may be at work on it. Its processes end first, then its keys go, which nothing
    writes any more, then its objects and its namespace, then its stack and stack file: by those
    the next run knows that some is left.

    Raises:
        RehearsalError: it lives beside another base; or from the first step that fails, and the
            same command goes on from there.

    """
    progress = Progress(console)
    config = records.own_file(where.project, name)
    if config is None and name not in engine.previews():
        return False
    marks = records.marks(where.project, engine, name, base=where.base)
    with progress.running("its stack") as tell:
        engine.claim(name, tell)
    config = config or _made_anew(where, engine, wish_told(name, marks, datetime.now(UTC)))
    cluster = where.cluster(name, config)
    with progress.running("processes") as tell:
        cleaning = Cleaning(where, name, config, cluster, lambda: worker_image(where, engine))
        keys = cleaning.run(tell, leave_keys=leave_keys)
    progress.say("broker", _told_of_keys(keys, config, left=leave_keys))
    with progress.running("pulumi destroy") as tell:
        engine.destroy(name, tell)
    progress.say("pulumi destroy", "done")
    with progress.running("namespace") as tell:
        cleaning.remove_unknown(tell)
    engine.remove(name)
    where.project.stack_file(name).unlink(missing_ok=True)
    progress.say("down", f"{name} is gone, after {progress.elapsed_s():.0f} s")
    return True


def _told_of_keys(keys: int, config: FleetConfig, *, left: bool) -> str:
    prefix = config.broker.key_prefix
    left_there = f"left what keys begin with {prefix}, as asked"
    return left_there if left else f"removed {keys} keys that began with {prefix}"


def _made_anew(where: Place, engine: PreviewEngine, wish: Wish) -> FleetConfig:
    """Its stack file, where another checkout had made it."""
    return write(where.project, base_of(where, engine), wish)
