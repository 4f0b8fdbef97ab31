"""Where the project and its state lie, and which stack is meant."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from rehearsal.errors import RehearsalError

PROJECT_NAME = "celery-fleet"
DEFAULT_STACK = "local"
STATE_VARIABLE = "CELERY_FLEET_STATE"
_MARKER = "Pulumi.yaml"
# Pulumi's own rule for stack names (tokens.ParseStackName, CLI 3.255); it also keeps paths inside.
_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True)
class Project:
    """One checkout and its state folder; every path of the CLI comes from here."""

    root: Path
    state: Path

    @property
    def rehearsal(self) -> Path:
        """Root of the rehearsal's `Layout`."""
        return self.state / "rehearsal"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def plugins(self) -> Path:
        """Stand-ins of Pulumi plugins, written only where the official ones are missing."""
        return self.state / "plugins"

    @property
    def backend(self) -> Path:
        """Pulumi's file backend."""
        return self.state / "pulumi"

    @property
    def pulumi_home(self) -> Path:
        return self.state / "pulumi-home"

    @property
    def passphrase(self) -> Path:
        return self.state / "passphrase"

    @property
    def kubeconfig(self) -> Path:
        return self.rehearsal / "kubeconfig"

    @property
    def work(self) -> Path:
        """Empty folder, the pods' working directory."""
        return self.state / "work"

    @property
    def lock(self) -> Path:
        return self.state / "up.lock"

    def stack_file(self, stack: str) -> Path:
        return self.root / f"Pulumi.{stack}.yaml"

    def deployed_stacks(self) -> list[str]:
        """Names of the stacks that the file backend knows, whether empty or not."""
        folder = self.backend / ".pulumi" / "stacks" / PROJECT_NAME
        return sorted(path.stem for path in folder.glob("*.json"))

    def current_stack(self) -> str:
        """The stack of the last `fleet up`, else the default one."""
        record = self._stack_record
        return record.read_text().strip() if record.is_file() else DEFAULT_STACK

    def remember_stack(self, stack: str) -> None:
        self._stack_record.write_text(f"{stack}\n")

    @property
    def _stack_record(self) -> Path:
        return self.state / "stack"


def find(cwd: Path | None = None, environ: Mapping[str, str] = os.environ) -> Project:
    """Find the checkout around the working directory, else the one this package lies in.

    Raises:
        RehearsalError: where neither has the project's Pulumi.yaml.

    """
    start = (cwd or Path.cwd()).resolve()
    candidates = [start, *start.parents, Path(__file__).resolve().parent.parent]
    for folder in candidates:
        if _is_project(folder / _MARKER):
            given = environ.get(STATE_VARIABLE)
            state = Path(given).expanduser().resolve() if given else folder / ".state"
            return Project(folder, state)
    raise RehearsalError(
        what=f"no {PROJECT_NAME} project here",
        why=f"no {_MARKER} named {PROJECT_NAME} in this folder or above it",
        mend="change into the checkout and run the command again",
        where=start,
    )


def checked_stack_name(stack: str) -> str:
    """Return the name if Pulumi would take it.

    Raises:
        RehearsalError: where it would not.

    """
    if _STACK_NAME.fullmatch(stack):
        return stack
    raise RehearsalError(
        what=f"{stack!r} is not a stack name",
        why="Pulumi allows letters, digits, '_', '-' and '.', at most 100",
        mend="name a stack such as local: fleet up --stack local",
    )


def _is_project(marker: Path) -> bool:
    try:
        document = yaml.safe_load(marker.read_text())
    except (OSError, yaml.YAMLError):
        return False
    return isinstance(document, dict) and document.get("name") == PROJECT_NAME
