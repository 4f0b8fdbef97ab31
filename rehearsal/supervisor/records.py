"""What the supervisor writes down: every process it owns, and how the stage is."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rehearsal.control_plane.files import write_atomically
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.supervisor.identity import Identity
from rehearsal.supervisor.state_files import processes_file

ProcessState = Literal["waiting", "starting", "running", "unhealthy", "backing off"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Record):
    """A `RehearsalError` on its way from the supervisor to the command that shows it."""

    what: str
    why: str
    mend: str
    where: str | None = None

    @classmethod
    def of(cls, error: RehearsalError) -> "Problem":
        where = None if error.where is None else str(error.where)
        return cls(what=error.what, why=error.why, mend=error.mend, where=where)

    def error(self) -> RehearsalError:
        return RehearsalError(self.what, self.why, self.mend, self.where)


class ProcessRecord(_Record):
    """One program: the process that runs it, and how often it had to be started."""

    name: str
    log: Path
    state: ProcessState = "waiting"
    identity: Identity | None = None
    fingerprint: str = ""
    """Of the command line, the environment and the files read at the start."""
    started: float | None = None
    """Seconds since the epoch."""
    restarts: int = 0
    last_exit: str | None = None
    problem: str | None = None
    """Why it is not healthy."""
    stop_grace_s: float = 3.0


class StageRecord(_Record):
    """The stage as its supervisor sees it."""

    supervisor: Identity
    phase: Literal["starting", "running", "stopping", "handed over", "failed"] = "starting"
    """`running` from the first time that all was well, and from the start where processes of
    an earlier supervisor live on: what ran once is not torn down for a fault."""
    healthy: bool = False
    problem: Problem | None = None
    """What keeps it from becoming healthy, as far as retrying does not mend it."""
    inputs: str
    """Fingerprint of specification and tools; another one asks for a new supervisor."""
    broker: str = ""
    processes: dict[str, ProcessRecord] = {}
    pending: dict[str, str] = {}
    """Deeds not done yet, and why."""


class BrokenRecordError(ValueError):
    """processes.json exists and cannot be read."""


def read_record(layout: Layout) -> StageRecord | None:
    """Read what the last supervisor wrote; None when the stage was stopped or never ran.

    Raises:
        BrokenRecordError: the file is no record, for example cut short.

    """
    try:
        return StageRecord.model_validate_json(processes_file(layout).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise BrokenRecordError(str(error)) from error


def write_record(layout: Layout, record: StageRecord) -> None:
    """Write the record, whole.

    Raises:
        RehearsalError: the state folder cannot be written.

    """
    write_atomically(processes_file(layout), record.model_dump_json(indent=1))
