"""The whole way from nothing to tools, with a shell script in Go's place."""

import shutil
from pathlib import Path

import psutil
import pytest

from rehearsal.errors import RehearsalError
from rehearsal.toolchain import build, ensure, ensure_tools, tool_report
from rehearsal.toolchain.folders import CacheFolders, cache_folders
from rehearsal.toolchain.go_toolchain import find_go, go_environ
from rehearsal.toolchain.pins import KEDA_CRDS, PINS

FAKE_GO = """#!/bin/sh
case "$1" in
version) echo "go version go${FAKE_GO_VERSION:-1.26.8} linux/amd64"; exit ;;
mod) printf '{"Dir": "%s"}' "$FAKE_HOME/keda"; exit ;;
esac
echo "$3" >> "$FAKE_HOME/built"
echo "half of a program" > "$3"
case "$FAKE_GO" in
fails) echo "a.go:1: undefined: b"; exit 1 ;;
hangs) echo $$ > "$FAKE_HOME/pid"; exec /bin/sleep 60 ;;
esac
/bin/chmod +x "$3"
"""


class Machine:
    """A machine with nothing but a fake Go on PATH and an empty cache."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[str] = []
        bases = home / "keda" / "config" / "crd" / "bases"
        bases.mkdir(parents=True)
        (bases / "keda.sh_scaledobjects.yaml").write_text("kind: CustomResourceDefinition\n")
        (bases / "keda.sh_scaledobjects.yaml").chmod(0o444)
        self.path = home / "path"
        self.path.mkdir()
        self.program("go", FAKE_GO)

    def program(self, name: str, script: str) -> None:
        (self.path / name).write_text(script)
        (self.path / name).chmod(0o755)

    def built(self) -> list[str]:
        """Return the names of what Go built, in order."""
        log = self.home / "built"
        return [Path(line).name for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(machine.path))
    monkeypatch.setenv("CELERY_FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_HOME", str(tmp_path))
    monkeypatch.setenv("FAKE_GO", "works")
    monkeypatch.setattr(build, "TICK_S", 0.02)
    monkeypatch.setattr(ensure, "free_mib", lambda _folder: 100_000)
    return machine


@pytest.fixture
def folders(machine: Machine) -> CacheFolders:
    return cache_folders({"CELERY_FLEET_CACHE": str(machine.home / "cache")})


def test_the_first_call_builds_all_and_the_second_says_and_builds_nothing(
    machine: Machine,
) -> None:
    tools = ensure_tools(machine.lines.append)
    assert machine.built() == [pin.tool for pin in PINS]

    said = len(machine.lines)
    assert ensure_tools(machine.lines.append) == tools
    assert len(machine.built()) == len(PINS)
    assert len(machine.lines) == said


def test_every_tool_can_be_run_from_where_it_is_said_to_be(machine: Machine) -> None:
    tools = ensure_tools(machine.lines.append)

    assert tools.etcd == tools.bin_dir / "etcd"
    assert all(row.path and row.path.exists() for row in tool_report())
    assert [file.name for file in tools.keda_crds.iterdir()] == ["keda.sh_scaledobjects.yaml"]
    assert tools.origin["keda-operator"] == "built 2.21.0"


def test_a_tool_on_path_is_not_built(machine: Machine) -> None:
    machine.program("etcd", "#!/bin/sh\necho 'etcd Version: 3.5.12'\n")

    tools = ensure_tools(machine.lines.append)

    assert "etcd" not in machine.built()
    assert tools.etcd == machine.path / "etcd"
    assert tools.origin["etcd"] == "PATH 3.5.12"


def test_a_tool_too_old_on_path_is_built_and_the_reason_said(machine: Machine) -> None:
    machine.program("etcd", "#!/bin/sh\necho 'etcd Version: 3.4.23'\n")

    ensure_tools(machine.lines.append)

    assert "etcd" in machine.built()
    assert any("watch cache stalls" in line for line in machine.lines)


def test_a_broken_tool_is_reported_and_only_it_is_built_again(
    machine: Machine, folders: CacheFolders
) -> None:
    ensure_tools(machine.lines.append)
    (folders.bin / "pulumi").write_text("bit rot")
    assert [row.name for row in tool_report() if row.problem] == ["pulumi"]

    machine.lines.clear()
    ensure_tools(machine.lines.append)

    assert machine.built()[len(PINS) :] == ["pulumi"]
    assert machine.lines[0].startswith("pulumi: the cached one does not match its checksum")
    assert not [row for row in tool_report() if row.problem]


def test_a_cached_tool_that_is_on_path_too_is_judged_by_its_checksum(
    machine: Machine, folders: CacheFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_tools(machine.lines.append)
    monkeypatch.setenv("PATH", f"{folders.bin}:{machine.path}")
    (folders.bin / "etcd").write_text("#!/bin/sh\necho 'etcd Version: 3.6.16'\n")

    assert [row.name for row in tool_report() if row.problem] == ["etcd"]


def test_an_interrupted_build_leaves_nothing_by_half_and_no_process(
    machine: Machine, folders: CacheFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_progress: object) -> None:
        if (machine.home / "pid").exists():
            raise KeyboardInterrupt

    monkeypatch.setenv("FAKE_GO", "hangs")
    monkeypatch.setattr("rehearsal.toolchain.progress.Progress.tick", interrupt)

    with pytest.raises(KeyboardInterrupt):
        ensure_tools(machine.lines.append)

    assert not psutil.pid_exists(int((machine.home / "pid").read_text()))
    assert list(folders.bin.iterdir()) == []
    assert not folders.unfinished.exists()
    assert not folders.go_scratch.exists()


def test_the_run_after_an_interrupt_builds_only_what_is_missing(
    machine: Machine, folders: CacheFolders
) -> None:
    ensure_tools(machine.lines.append)
    for tool in ("keda-adapter", "kubectl"):
        (folders.bin / tool).unlink()
    shutil.rmtree(folders.crds)
    # What a build that was killed outright leaves.
    (folders.unfinished / KEDA_CRDS).mkdir(parents=True)
    (folders.unfinished / KEDA_CRDS / "half.yaml").touch()

    ensure_tools(machine.lines.append)

    assert machine.built()[len(PINS) :] == ["keda-adapter", "kubectl"]
    assert [file.name for file in folders.crds.iterdir()] == ["keda.sh_scaledobjects.yaml"]
    assert not folders.unfinished.exists()


def test_a_compiler_error_names_the_tool_the_message_and_the_log(
    machine: Machine, folders: CacheFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO", "fails")

    with pytest.raises(RehearsalError) as error:
        ensure_tools(machine.lines.append)

    assert error.value.what == "building etcd 3.6.16 failed"
    assert "a.go:1: undefined: b" in error.value.why
    assert error.value.where == folders.logs / "etcd.log"
    assert list(folders.bin.iterdir()) == []


def test_a_disk_without_room_is_refused_before_anything_is_built(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensure, "free_mib", lambda _folder: 100)

    with pytest.raises(RehearsalError, match="too little room"):
        ensure_tools(machine.lines.append)

    assert machine.built() == []


def test_a_cache_that_cannot_be_written_is_told_by_its_folder(machine: Machine) -> None:
    (machine.home / "cache").write_text("a file where the folder should be")

    with pytest.raises(RehearsalError, match="the tool cache cannot be used"):
        ensure_tools(machine.lines.append)


def test_an_old_go_without_a_way_to_install_one_is_told_with_its_version(
    machine: Machine, folders: CacheFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "1.19.8")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(RehearsalError, match=r"Go 1\.19\.8 on PATH is older than 1\.26\.0"):
        find_go(folders, machine.lines.append)


def test_a_build_keeps_the_users_proxy_and_drops_what_is_of_other_projects(
    folders: CacheFolders,
) -> None:
    environ = {"GOPROXY": "file:///mirror", "GOOS": "plan9", "GOFLAGS": "-mod=mod", "PATH": "/bin"}

    env = go_environ(folders, Path("/usr/bin/go"), environ)

    assert env["GOPROXY"] == "file:///mirror"
    assert "GOOS" not in env
    assert env["GOFLAGS"] == "-modcacherw -mod=readonly"
    assert env["GOTOOLCHAIN"] == "local"
    assert Path(env["GOMODCACHE"]).is_relative_to(folders.root)


def test_trimming_frees_gos_caches_and_keeps_the_tools(
    machine: Machine, folders: CacheFolders
) -> None:
    ensure_tools(machine.lines.append)
    folders.go_modules.mkdir(parents=True)

    ensure.trim(machine.lines.append)

    assert not folders.go.exists()
    assert not [row for row in tool_report() if row.problem]
