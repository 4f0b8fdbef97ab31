"""The logs that `kubectl logs` reads, and the pod folders that they lie in."""

import os
from pathlib import Path

import pytest

from rehearsal.node_agent.logs.files import cut_large_logs, find_log, last_lines
from rehearsal.node_agent.logs.request import LogRequest, log_request
from rehearsal.node_agent.pods.pod_folder import PodFolder, pod_folders
from rehearsal.node_agent.rules.records import ContainerRecord
from tests.unit.node_agent_pods import record


@pytest.fixture
def folder(tmp_path: Path) -> PodFolder:
    made = PodFolder(tmp_path / "pods" / "n_p_u")
    made.create()
    return made


def write_log(folder: PodFolder, restart: int, text: str) -> None:
    log = folder.open_log("main", restart)
    os.write(log, text.encode())
    os.close(log)


def read(folder: PodFolder, *, previous: bool = False) -> str:
    return find_log(folder.path.parent, "n", "p", "main", previous=previous).read_text()


def test_the_last_run_and_the_one_before_are_kept(folder: PodFolder) -> None:
    for restart in range(12):
        write_log(folder, restart, f"run {restart}")

    assert read(folder) == "run 11"
    assert read(folder, previous=True) == "run 10"
    assert len(list((folder.path / "logs" / "main").iterdir())) == 2


def test_an_adopted_container_writes_on_in_the_same_log(folder: PodFolder) -> None:
    write_log(folder, 0, "before ")
    write_log(folder, 0, "after")

    assert read(folder) == "before after"


@pytest.mark.parametrize(
    ("pod", "previous", "message"),
    [
        ("p", False, 'container "main" in pod "p" is waiting to start'),
        ("p", True, 'previous terminated container "main" in pod "p" not found'),
        ("other", False, 'pod "other" does not run on this stand-in node'),
    ],
)
def test_a_log_that_is_not_there_is_told_in_words(
    folder: PodFolder,
    pod: str,
    previous: bool,  # noqa: FBT001 - a table
    message: str,
) -> None:
    with pytest.raises(LookupError, match=message):
        find_log(folder.path.parent, "n", pod, "main", previous=previous)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(None, "a\nb\nc\n"), (0, ""), (1, "c\n"), (2, "b\nc\n"), (9, "a\nb\nc\n")],
)
def test_the_last_lines_are_those_asked_for(
    tmp_path: Path, count: int | None, expected: str
) -> None:
    log = tmp_path / "0.log"
    log.write_text("a\nb\nc\n")

    assert last_lines(log, count).decode() == expected


def test_last_lines_are_found_across_blocks(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_text("".join(f"{number:0100}\n" for number in range(5000)))

    lines = last_lines(log, 2000).decode().splitlines()

    assert [int(lines[0]), int(lines[-1]), len(lines)] == [3000, 4999, 2000]


def test_a_log_that_grew_too_large_keeps_its_end_and_its_writer(folder: PodFolder) -> None:
    writer = folder.open_log("main", 0)
    os.write(writer, b"".join(b"%06d\n" % number for number in range(1000)))

    cut_large_logs(folder, max_bytes=700)
    os.write(writer, b"after\n")
    os.close(writer)

    lines = read(folder).splitlines()
    assert lines[-2:] == ["000999", "after"]
    assert len(lines) == 100


def test_only_the_owner_may_look_into_a_pods_folder(folder: PodFolder) -> None:
    write_log(folder, 0, "secret")

    assert folder.path.stat().st_mode & 0o077 == 0
    assert (folder.path / "logs" / "main" / "0.log").stat().st_mode & 0o077 == 0


def test_a_record_that_was_never_finished_counts_as_none(folder: PodFolder) -> None:
    assert folder.read_record() is None
    folder.record_file.write_text('{"namespace": "n"')
    assert folder.read_record() is None

    kept = record(ContainerRecord(name="main", image="a"))
    folder.write_record(kept)

    assert folder.read_record() == kept
    assert [found.path.name for found in pod_folders(folder.path.parent)] == ["n_p_u"]


def test_what_kubectl_logs_asks_for_is_understood() -> None:
    target = "/containerLogs/fleet/api-1/main?tailLines=5&follow=true&sinceSeconds=60"

    assert log_request(target) == LogRequest(
        "fleet", "api-1", "main", tail_lines=5, since_s=60, follow=True
    )
    assert log_request("/containerLogs/n/p/c?previous=true&limitBytes=9") == LogRequest(
        "n", "p", "c", limit_bytes=9, previous=True
    )


@pytest.mark.parametrize(
    "target",
    [
        "/exec/n/p/c",
        "/containerLogs/n/p",
        "/",
        "/pods",
        "/containerLogs/n/p/..%2F..%2Fx",
        "/containerLogs/n/*/c",
    ],
)
def test_anything_else_is_no_log_request(target: str) -> None:
    assert log_request(target) is None
