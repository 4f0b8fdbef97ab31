"""A pod's folder: its record, its volumes, its containers' logs."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from rehearsal.node_agent.rules.records import PodRecord

_KEPT_LOGS = 2  # the running container's, and the one before for `kubectl logs --previous`


@dataclass(frozen=True)
class PodFolder:
    """Where one pod's files lie; only the agent's own user may look inside."""

    path: Path

    @property
    def record_file(self) -> Path:
        return self.path / "record.json"

    def create(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.path, self.path / "home", self.path / "tmp"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def volume(self, name: str) -> Path:
        return self.path / "volumes" / name

    def log(self, container: str, restart: int) -> Path:
        return self.path / "logs" / container / f"{restart}.log"

    def open_log(self, container: str, restart: int) -> int:
        """A file descriptor that appends to the log, so that the file may be cut meanwhile."""
        log = self.log(container, restart)
        log.parent.mkdir(parents=True, exist_ok=True)
        for old in logs_of(log.parent)[: 1 - _KEPT_LOGS]:
            old.unlink()
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write_record(self, record: PodRecord) -> None:
        """Replace the record in one step: a killed agent leaves the old one or the new one."""
        fresh = self.record_file.with_suffix(".new")
        fresh.write_text(record.model_dump_json())
        fresh.replace(self.record_file)

    def read_record(self) -> PodRecord | None:
        """The record; None if the agent was killed before it wrote one."""
        try:
            return PodRecord.model_validate_json(self.record_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def remove(self) -> None:
        # Files that a pod made unreadable or that vanish meanwhile do not stop the removal.
        shutil.rmtree(self.path, ignore_errors=True)


def logs_of(folder: Path) -> list[Path]:
    """One container's logs, the oldest first."""
    return sorted(folder.glob("*.log"), key=lambda log: int(log.stem))


def pod_folders(pods: Path) -> Iterator[PodFolder]:
    if pods.is_dir():
        yield from (PodFolder(path) for path in sorted(pods.iterdir()) if path.is_dir())
