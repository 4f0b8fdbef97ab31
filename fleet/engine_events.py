"""What Pulumi's event log tells of a running update: how far it is, and what went wrong."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_COLOUR = re.compile(r"<\{%.*?%\}>")
_PLANNED = re.compile(r"^ +\S+ *(\d+) to (?:create|update|delete|replace)$", re.MULTILINE)
_CHANGES = frozenset({"create", "update", "delete", "replace"})


@dataclass
class UpdateView:
    """Follows one `pulumi up` through its events."""

    total: int | None = None
    """Resources to change, known once the preview is done."""
    changed: int = 0
    latest: str = ""
    errors: list[str] = field(default_factory=list)

    def see(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        if done := event.get("resOutputsEvent"):
            self._see_outputs(done)
        elif diagnostic := event.get("diagnosticEvent"):
            self._see_diagnostic(diagnostic)

    def __str__(self) -> str:
        if self.total is None:
            return "previewing"
        if self.total == 0:
            return "nothing to change"
        latest = f", latest: {self.latest}" if self.latest else ""
        return f"{self.changed}/{self.total} resources{latest}"

    def _see_outputs(self, event: dict[str, Any]) -> None:
        metadata = event["metadata"]
        # A replacement is several steps of one resource, of which `replace` is the sum.
        if event.get("planning") or metadata["op"] not in _CHANGES:
            return
        self.changed += 1
        self.latest = metadata["urn"].rsplit("::", 1)[-1]

    def _see_diagnostic(self, event: dict[str, Any]) -> None:
        if event.get("severity") != "error":
            return
        message = _COLOUR.sub("", event.get("message", "")).strip()
        name = event.get("urn", "").rsplit("::", 1)[-1]
        told = f"{name}: {message}" if name else message
        if message and told not in self.errors:
            self.errors.append(told)


def planned_changes(output: str) -> int | None:
    """Return how many resources the preview is about to change; None before it has ended.

    From the printed output: the preview's own summary event is cut off the log at once.
    """
    preview, is_over, _ = output.partition("\nUpdating (")
    return sum(map(int, _PLANNED.findall(preview))) if is_over else None


class EventTail:
    """Reads new events from a log that Pulumi cuts between preview and update."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = ""

    def read(self) -> list[dict[str, Any]]:
        """Return the events written since the last call; an unfinished line waits."""
        if not self._path.is_file():
            return []
        if self._path.stat().st_size < self._offset:
            self._offset, self._rest = 0, ""
        with self._path.open() as file:
            file.seek(self._offset)
            text = self._rest + file.read()
            self._offset = file.tell()
        *lines, self._rest = text.split("\n")
        return [json.loads(line) for line in lines if line]
