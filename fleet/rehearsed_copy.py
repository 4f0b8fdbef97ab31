"""A project folder of its own for the rehearsal of a stack on AWS, so that the real one is left."""

import shutil
import sys
from pathlib import Path

from fleet import stack_file
from fleet.project import Project

_HIDDEN = "."
_ENVIRONMENT = ".venv"
_STACK_FILES = "Pulumi.*.yaml"


def folder_of(project: Project, stack: str) -> Project:
    """Where a stack's rehearsal lives: project and state, below the checkout's own state."""
    root = project.state / "rehearsals" / stack
    return Project(root, root / ".state")


def make(project: Project, stack: str) -> Project:
    """Lay the checkout out anew, by links, with a copy of the stack's file and no secret of it."""
    copy = folder_of(project, stack)
    shutil.rmtree(copy.root, ignore_errors=True)
    copy.root.mkdir(parents=True)
    skipped = {path.name for path in project.root.glob(_STACK_FILES)}
    for path in project.root.iterdir():
        if path.name not in skipped and not path.name.startswith(_HIDDEN):
            (copy.root / path.name).symlink_to(path)
    # Pulumi.yaml names it.
    (copy.root / _ENVIRONMENT).symlink_to(Path(sys.prefix))
    copy.stack_file(stack).write_text(project.stack_file(stack).read_text())
    stack_file.drop_every_secret(copy.stack_file(stack))
    for folder in (copy.logs, copy.work, copy.backend, copy.pulumi_home):
        folder.mkdir(parents=True, exist_ok=True)
    return copy
