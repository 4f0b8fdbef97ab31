"""What the engine tests share: the tools, one control plane, and a project for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import plugins
from rehearsal.toolchain import Tools, ensure_tools
from tests.engine import control_plane
from tests.engine.control_plane import Cluster
from tests.engine.project import Project, new_project


@pytest.fixture(scope="session")
def tools() -> Tools:
    return ensure_tools(print)


@pytest.fixture(scope="session")
def cluster(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with control_plane.running(tools, tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture(scope="session")
def plugin_folder(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-ins; tests that need them fail where official plugins are on PATH."""
    folder = tmp_path_factory.mktemp("plugins")
    path = os.pathsep.join([str(tools.pulumi.parent), os.environ["PATH"]])
    plugins.install(folder, path)
    return folder


@pytest.fixture
def project(tmp_path: Path, tools: Tools, plugin_folder: Path, cluster: Cluster) -> Project:
    return new_project(tmp_path / "project", plugin_folder, tools.pulumi, cluster.kubeconfig)
