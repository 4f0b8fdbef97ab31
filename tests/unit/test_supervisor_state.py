"""What is written down and read back: records, inputs, the status of a stage."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal.control_plane.program import Program
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.spec import RehearsalSpec
from rehearsal.supervisor import client
from rehearsal.supervisor.identity import Identity, identify
from rehearsal.supervisor.inputs import ToolPaths, write_inputs
from rehearsal.supervisor.records import (
    BrokenRecordError,
    ProcessRecord,
    StageRecord,
    read_record,
    write_record,
)
from rehearsal.supervisor.spawning import (
    describe_exit,
    fingerprint,
    inherited_environment,
    open_log,
)
from rehearsal.supervisor.state_files import processes_file
from rehearsal.supervisor.strays import _names

SPEC = RehearsalSpec(nodes=(), images=())
TOOLS = SimpleNamespace(**{name: Path("/bin") / name for name in ToolPaths.model_fields})


def me() -> Identity:
    found = identify(os.getpid())
    assert found is not None
    return found


def record(layout: Layout, identity: Identity) -> StageRecord:
    process = ProcessRecord(
        name="etcd", log=layout.logs / "etcd.log", state="running", identity=identity
    )
    return StageRecord(
        supervisor=identity, phase="running", healthy=True, inputs="x", processes={"etcd": process}
    )


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    written = record(layout, me())
    write_record(layout, written)

    assert read_record(layout) == written


def test_a_half_written_record_is_told_from_a_missing_one(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert read_record(layout) is None

    processes_file(layout).write_text('{"supervisor": {"pid"')
    with pytest.raises(BrokenRecordError):
        read_record(layout)
    assert "processes.json" in str(client.status(tmp_path).problem)


def test_the_status_of_a_folder_without_a_stage_is_that_nothing_runs(tmp_path: Path) -> None:
    status = client.status(tmp_path / "none")

    assert (status.supervisor, status.healthy, status.processes) == (None, False, ())


def test_a_process_that_is_gone_is_not_shown_as_running(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    gone = me().model_copy(update={"start_ticks": 0})
    write_record(layout, record(layout, gone))

    status = client.status(tmp_path)

    assert not status.healthy
    assert status.problem == "no supervisor runs, though the stage was not stopped"
    assert (status.processes[0].pid, status.processes[0].state) == (None, "not running")


def test_a_living_process_is_shown_with_its_memory(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_record(layout, record(layout, me()))

    (process,) = client.status(tmp_path).processes

    assert process.pid == os.getpid()
    assert process.rss_mib > 1


def test_other_inputs_have_another_fingerprint(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = write_inputs(layout, SPEC, TOOLS)

    assert write_inputs(layout, SPEC, TOOLS) == first
    assert write_inputs(layout, SPEC.model_copy(update={"hpa_sync_period_s": 7}), TOOLS) != first


def test_a_program_is_outdated_when_its_command_or_a_file_it_read_changed(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config"
    config.write_text("1")
    program = Program("p", ("run", "--a=1"), reads=(config,))
    first = fingerprint(program)

    assert fingerprint(program) == first
    assert fingerprint(Program("p", ("run", "--a=2"), reads=(config,))) != first
    assert fingerprint(Program("p", ("run", "--a=1"), {"GOGC": "1"}, reads=(config,))) != first
    config.write_text("2")
    assert fingerprint(program) != first


def test_no_secret_of_the_shell_reaches_a_program() -> None:
    shell = {"PATH": "/bin", "LC_ALL": "C", "PULUMI_CONFIG_PASSPHRASE": "x", "AWS_SECRET": "y"}

    assert inherited_environment(shell) == {"PATH": "/bin", "LC_ALL": "C"}


@pytest.mark.parametrize(
    ("code", "text"),
    [(-9, "killed by signal 9, SIGKILL"), (3, "exit code 3"), (None, "earlier supervisor")],
)
def test_an_end_is_put_into_words(code: int | None, text: str) -> None:
    assert text in describe_exit(code)


def test_an_overlong_log_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    with log.open("wb") as file:
        file.truncate(17 * 1024 * 1024)

    with open_log(log) as output:
        output.write(b"new\n")

    assert log.read_text() == "new\n"
    assert (tmp_path / "etcd.log.1").exists()


def test_a_stray_is_known_by_a_path_in_its_arguments(tmp_path: Path) -> None:
    assert _names(["etcd", f"--data-dir={tmp_path}/etcd"], tmp_path)
    assert _names(["python", "--state", str(tmp_path)], tmp_path)
    assert not _names(["etcd", f"--data-dir={tmp_path}-other/etcd"], tmp_path)


def test_a_disk_that_is_too_full_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = SimpleNamespace(free=255 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)

    with pytest.raises(RehearsalError, match="255 MiB are free, 256 MiB are needed"):
        client.start(tmp_path, SPEC, TOOLS, print)

    assert not processes_file(Layout(tmp_path)).exists()
