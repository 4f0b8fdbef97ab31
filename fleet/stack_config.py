"""A stack's configuration, read and checked without the engine."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from fleet.project import Project
from infra.config import ConfigError, load_file
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError


def read(path: Path) -> FleetConfig:
    """Read a stack file.

    Raises:
        RehearsalError: naming every wrong key.

    """
    if not path.is_file():
        raise RehearsalError(
            what=f"{path.name} does not exist",
            why="its stack was never brought up in this checkout",
            mend="bring it up with: make up",
            where=path,
        )
    try:
        return load_file(path)
    except ConfigError as error:
        raise RehearsalError(
            what=f"{path.name} is refused",
            why=str(error),
            mend="correct the file; nothing was changed",
            where=path,
        ) from error


def read_text(text: str, name: str) -> FleetConfig:
    """Read what a stack file of this name holds in some commit; raises as `read` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text)
        return read(path)


def rehearsable(path: Path) -> FleetConfig:
    """Read a stack file that the rehearsal is to stage.

    Raises:
        RehearsalError: where it is wrong, or its stack belongs in a cloud.

    """
    config = read(path)
    if config.tier == "local":
        return config
    raise RehearsalError(
        what=f"{path.name} describes a stack of tier {config.tier}, not one for this machine",
        why="`fleet up` rehearses stacks of tier local; the others have a cluster of their own",
        mend="use plain `pulumi up` for it, or set celery-fleet:tier to local",
        where=path,
    )


def staged(project: Project, stack: str) -> Mapping[str, FleetConfig]:
    """Read this stack and every other one that already lives in the rehearsal's cluster.

    Previews bring neither nodes nor images: they are on their base's.
    """
    others = [name for name in project.deployed_stacks() if project.stack_file(name).is_file()]
    found = {name: read(project.stack_file(name)) for name in others}
    guests = {name for name, config in found.items() if config.tier == "preview"}
    return {name: rehearsable(project.stack_file(name)) for name in {stack, *others} - guests}
