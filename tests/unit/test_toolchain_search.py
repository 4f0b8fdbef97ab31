"""A tool on PATH is used where it is new enough and of one piece with its fellows."""

from pathlib import Path

import pytest

from rehearsal.toolchain.pins import PINS
from rehearsal.toolchain.search import Found, judged, path_without, search
from rehearsal.toolchain.versions import Version, parse_version

BY_TOOL = {pin.tool: pin for pin in PINS}
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("etcd Version: 3.6.16\nGit SHA: GitNotFound\nGo Version: go1.26.8\n", (3, 6, 16)),
        ("Kubernetes v1.36.3\n", (1, 36, 3)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0\n", (1, 32, 4)),
        ("v3.255.0\n", (3, 255, 0)),
        ("go version go1.26.8 linux/amd64\n", (1, 26, 8)),
        ("go version go1.26 linux/amd64\n", (1, 26, 0)),
        ("go version devel 5abc linux/amd64\n", None),
        ("", None),
    ],
)
def test_a_version_is_read_from_what_the_program_prints(
    printed: str, version: tuple[int, int, int] | None
) -> None:
    assert parse_version(printed) == version


def test_versions_are_ordered_as_numbers_not_as_text() -> None:
    assert Version(1, 9) < Version(1, 31) < Version(1, 31, 10)


@pytest.mark.parametrize(
    ("tool", "printed", "usable"),
    [
        ("etcd", "etcd Version: 3.5.10", True),
        ("etcd", "etcd Version: 3.5.9", False),
        ("etcd", "etcd Version: 3.4.23", False),
        ("pulumi", "v3.200.0", True),
        ("pulumi", "v3.199.0", False),
        ("kubectl", "Client Version: v1.31.0", True),
        ("kubectl", "Client Version: v1.30.9", False),
        ("kube-apiserver", "Kubernetes v1.31.0", True),
        ("kube-apiserver", "Kubernetes v1.30.9", False),
        ("etcd", "etcd: cannot run here", False),
    ],
)
def test_a_tool_on_path_has_to_be_new_enough(tool: str, printed: str, *, usable: bool) -> None:
    rule = BY_TOOL[tool].on_path

    assert rule
    assert (judged(Path("/bin/x"), printed, rule).problem is None) is usable


def test_an_old_etcd_is_refused_with_its_reason() -> None:
    rule = BY_TOOL["etcd"].on_path

    assert rule
    assert "watch cache stalls" in str(judged(Path("/bin/etcd"), "3.4.23", rule).problem)


def test_keda_is_never_taken_from_path(tmp_path: Path) -> None:
    _program(tmp_path, "keda-operator", "2.21.0")

    assert search(PINS, str(tmp_path)) == {}


def test_a_whole_control_plane_on_path_is_used(tmp_path: Path) -> None:
    for tool in CONTROL_PLANE:
        _program(tmp_path, tool, "Kubernetes v1.34.1")

    found = search(PINS, str(tmp_path))

    assert found == {tool: Found(tmp_path / tool, Version(1, 34, 1)) for tool in CONTROL_PLANE}


def test_a_control_plane_that_lacks_a_program_is_passed_over(tmp_path: Path) -> None:
    for tool in CONTROL_PLANE[:2]:
        _program(tmp_path, tool, "Kubernetes v1.34.1")

    found = search(PINS, str(tmp_path))

    assert all("kube-scheduler on PATH will not do" in str(it.problem) for it in found.values())


def test_a_control_plane_of_mixed_minor_versions_is_passed_over(tmp_path: Path) -> None:
    for tool, version in zip(CONTROL_PLANE, ("1.33.0", "1.34.1", "1.34.1"), strict=True):
        _program(tmp_path, tool, f"Kubernetes v{version}")

    found = search(PINS, str(tmp_path))

    assert all("different minor versions" in str(it.problem) for it in found.values())


def test_a_tool_that_cannot_run_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "etcd").write_bytes(b"\x7fELF broken")
    (tmp_path / "etcd").chmod(0o755)

    assert "tells no version" in str(search(PINS, str(tmp_path))["etcd"].problem)


def test_our_own_tools_on_path_do_not_count_as_the_machines() -> None:
    path = "/usr/bin:/cache/tools/0a/bin:/cache/tools-of-mine:"

    assert path_without(path, Path("/cache/tools")) == "/usr/bin:/cache/tools-of-mine"


def _program(folder: Path, name: str, printed: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{printed}'\n")
    (folder / name).chmod(0o755)
