"""Follows the spec's file, which may be rewritten while the agent runs."""

import logging

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.spec import RehearsalSpec

_log = logging.getLogger(__name__)


class SpecFile:
    """The latest valid spec."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._read_ns = self._written_ns()
        try:
            self.current: RehearsalSpec = layout.read_spec()
        except (OSError, ValueError) as error:
            raise RehearsalError(
                what="the node agent does not know its nodes",
                why=f"the spec is unusable: {error}",
                mend="start the rehearsal again; it writes this file",
                where=layout.spec_file,
            ) from error

    def refresh(self) -> bool:
        """Read the file if it is newer; whether the spec is another one now."""
        written_ns = self._written_ns()
        if written_ns == self._read_ns:
            return False
        self._read_ns = written_ns
        try:
            fresh = self._layout.read_spec()
        except (OSError, ValueError) as error:
            _log.warning("spec not taken over: %s", error)
            return False
        changed, self.current = fresh != self.current, fresh
        return changed

    def _written_ns(self) -> int:
        file = self._layout.spec_file
        return file.stat().st_mtime_ns if file.exists() else 0
