"""What a command hands to the supervisor, as files: the specification and the tools."""

import hashlib
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from rehearsal.control_plane.files import write_if_changed
from rehearsal.layout import Layout
from rehearsal.spec import RehearsalSpec
from rehearsal.supervisor.state_files import tools_file


class StageTools(Protocol):
    """The programs that the stage runs; the toolchain provides them."""

    @property
    def etcd(self) -> Path: ...
    @property
    def kube_apiserver(self) -> Path: ...
    @property
    def kube_controller_manager(self) -> Path: ...
    @property
    def kube_scheduler(self) -> Path: ...
    @property
    def keda_operator(self) -> Path: ...
    @property
    def keda_adapter(self) -> Path: ...
    @property
    def keda_crds(self) -> Path: ...


class ToolPaths(BaseModel):
    """`StageTools` as it is written down."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    keda_operator: Path
    keda_adapter: Path
    keda_crds: Path


def write_inputs(layout: Layout, spec: RehearsalSpec, tools: StageTools) -> str:
    """Write both files where they changed; give their fingerprint.

    Raises:
        RehearsalError: the state folder cannot be written.

    """
    write_if_changed(layout.spec_file, spec.model_dump_json(indent=1))
    write_if_changed(tools_file(layout), ToolPaths.model_validate(tools).model_dump_json(indent=1))
    return inputs_fingerprint(layout)


def read_tools(layout: Layout) -> ToolPaths:
    return ToolPaths.model_validate_json(tools_file(layout).read_text())


def inputs_fingerprint(layout: Layout) -> str:
    """Change with either file."""
    content = layout.spec_file.read_bytes() + tools_file(layout).read_bytes()
    return hashlib.sha256(content).hexdigest()
