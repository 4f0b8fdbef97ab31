"""Follows the spec's file and the node autoscaler's, either of which may be rewritten."""

import logging

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.spec import NodeSpec, RehearsalSpec

_log = logging.getLogger(__name__)


class SpecFile:
    """The latest valid spec, and the nodes that there are by it and by the node autoscaler."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._read_ns = self._written_ns()
        try:
            self.current, self.nodes = self._read()
        except (OSError, ValueError) as error:
            raise RehearsalError(
                what="the node agent does not know its nodes",
                why=f"the spec is unusable: {error}",
                mend="start the rehearsal again; it writes this file",
                where=layout.spec_file,
            ) from error

    def refresh(self) -> bool:
        """Read the files if one is newer; whether spec or nodes are others now."""
        written_ns = self._written_ns()
        if written_ns == self._read_ns:
            return False
        self._read_ns = written_ns
        before = (self.current, self.nodes)
        try:
            self.current, self.nodes = self._read()
        except (OSError, ValueError) as error:
            _log.warning("spec not taken over: %s", error)
        return before != (self.current, self.nodes)

    def _read(self) -> tuple[RehearsalSpec, tuple[NodeSpec, ...]]:
        spec = self._layout.read_staged()
        return spec, spec.nodes_with(self._layout.read_launched_nodes())

    def _written_ns(self) -> tuple[int, ...]:
        layout = self._layout
        files = (layout.spec_file, layout.launched_nodes_file, layout.cloud_node_groups_file)
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
