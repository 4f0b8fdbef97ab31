"""One supervisor owns a stage: it starts, mends, adopts, and stops every process."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import psutil
import pytest

from rehearsal.errors import RehearsalError
from rehearsal.supervisor.identity import Identity, identify
from rehearsal.supervisor.port_choice import port_is_free
from rehearsal.supervisor.state_files import log_file, processes_file
from rehearsal.toolchain import Tools
from tests.rehearsal.stage import Stage, eventually, kill, small_spec

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]

START_LIMIT_S, STOP_LIMIT_S = 60, 45
MEMORY_LIMIT_MIB = 2560


@pytest.fixture
def own(tools: Tools, tmp_path: Path) -> Iterator[Stage]:
    """A stage of the test's own, not started yet."""
    stage = Stage(tmp_path / "state", small_spec(), tools)
    yield stage
    stage.stop()


def pids(stage: Stage) -> list[int | None]:
    status = stage.status()
    return [status.supervisor, *(each.pid for each in status.processes)]


def identities(stage: Stage) -> list[Identity]:
    found = [identify(pid) for pid in pids(stage) if pid is not None]
    return [identity for identity in found if identity is not None]


def nothing_is_left(stage: Stage, ran: list[Identity]) -> bool:
    """Neither process nor port; init may take a while to bury a dead one."""
    gone = not any(identity.alive for identity in ran)
    return gone and all(port_is_free(port) for port in stage.status().ports.values())


def test_a_healthy_stage_offers_what_a_platform_would(stage: Stage) -> None:
    stage.start()

    metrics = stage.get("/apis/external.metrics.k8s.io/v1beta1")
    secret = stage.get("/api/v1/namespaces/rehearsal/secrets/broker")
    classes = stage.get("/apis/storage.k8s.io/v1/storageclasses")["items"]
    nodes = stage.get("/api/v1/nodes")["items"]
    kinds = stage.get("/apis/keda.sh/v1alpha1")["resources"]
    assert metrics["groupVersion"] == "external.metrics.k8s.io/v1beta1"
    assert set(secret["data"]) == {"host", "port", "username", "password", "ca.crt"}
    assert [each["metadata"]["name"] for each in classes] == ["rehearsal"]
    assert {each["metadata"]["name"] for each in nodes} == {"cpu-1", "gpu-1"}
    assert "scaledobjects" in {each["name"] for each in kinds}


def test_the_processes_together_stay_small(stage: Stage) -> None:
    stage.start()
    used = {each.name: each.rss_mib for each in stage.status().processes}

    assert sum(used.values()) < MEMORY_LIMIT_MIB, used


def test_a_status_is_had_at_once(stage: Stage) -> None:
    began = time.monotonic()
    status = stage.status()

    assert time.monotonic() - began < 2
    assert status.healthy


def test_pod_security_refuses_a_privileged_pod(stage: Stage) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    stage.create("/api/v1/namespaces", {"metadata": {"name": "strict", "labels": labels}})
    container = {"name": "c", "image": "x", "securityContext": {"privileged": True}}
    eventually(
        lambda: stage.api.get("/api/v1/namespaces/strict/serviceaccounts/default").is_success,
        "service account",
    )

    answer = stage.api.post(
        "/api/v1/namespaces/strict/pods",
        json={"metadata": {"name": "p"}, "spec": {"containers": [container]}},
    )

    assert answer.status_code == 403
    assert "violates PodSecurity" in answer.text


def test_a_second_start_attaches(stage: Stage) -> None:
    stage.start()
    before = pids(stage)

    assert stage.start() == []

    assert pids(stage) == before


def test_every_killed_process_is_reported_once_and_runs_again(stage: Stage) -> None:
    stage.start()
    for name in [each.name for each in stage.status().processes]:
        before = stage.process(name)
        kill(before.pid)

        (line,) = [line for line in stage.start() if " died " in line]

        after = stage.process(name)
        assert line.startswith(f"{name} died")
        assert "SIGKILL" in line
        assert after.pid not in {None, before.pid}
        assert after.restarts == before.restarts + 1
        assert stage.status().healthy
        assert not [line for line in stage.start() if " died " in line]


def test_a_killed_supervisors_processes_are_taken_over_and_the_dead_restarted(
    stage: Stage,
) -> None:
    stage.start()
    before = {each.name: each.pid for each in stage.status().processes}
    kill(stage.status().supervisor)
    kill(before["kube-scheduler"])

    told = stage.start()

    after = {each.name: each.pid for each in stage.status().processes}
    assert any("the supervisor" in line and "had died" in line for line in told)
    assert any(line.startswith("kube-scheduler died") for line in told)
    assert {name for name in before if after[name] != before[name]} == {"kube-scheduler"}
    # Not a child of this supervisor: its death is noticed all the same.
    kill(after["kube-controller-manager"])
    assert any(line.startswith("kube-controller-manager died") for line in stage.start())


def test_a_broken_record_is_mended_by_the_living_supervisor(stage: Stage) -> None:
    stage.start()
    before = pids(stage)
    path = processes_file(stage.layout)
    path.write_text(path.read_text()[:100])

    stage.start()

    assert pids(stage) == before


def test_another_specification_restarts_only_what_it_concerns(stage: Stage) -> None:
    stage.start()
    before = {each.name: each.pid for each in stage.status().processes}
    other = Stage(stage.root, stage.spec.model_copy(update={"hpa_sync_period_s": 3}), stage.tools)

    other.start()

    after = {each.name: each.pid for each in other.status().processes}
    stage.start()
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"kube-controller-manager"}


def test_two_starts_at_once_make_one_stage(own: Stage) -> None:
    other = Stage(own.root, own.spec, own.tools)
    starts = [Thread(target=each.start) for each in (own, other)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()

    supervisors = [
        each for each in psutil.process_iter() if str(own.root) in " ".join(cmdline(each))
    ]
    assert own.status().healthy
    assert sum("rehearsal.supervisor" in cmdline(each) for each in supervisors) == 1


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_stop_leaves_nothing_and_a_restart_keeps_every_object(own: Stage) -> None:
    began = time.monotonic()
    own.start()
    assert time.monotonic() - began < START_LIMIT_S
    own.create(
        "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "m"}, "data": {"k": "v"}}
    )
    secret = own.get("/api/v1/namespaces/rehearsal/secrets/broker")["data"]
    ran, ports = identities(own), own.status().ports

    began = time.monotonic()
    own.stop()
    assert time.monotonic() - began < STOP_LIMIT_S
    assert nothing_is_left(own, ran)
    own.stop()

    own.start()
    assert own.get("/api/v1/namespaces/default/configmaps/m")["data"] == {"k": "v"}
    assert own.get("/api/v1/namespaces/rehearsal/secrets/broker")["data"] == secret
    assert own.status().ports == ports


def test_a_stop_without_a_supervisor_ends_its_orphans(own: Stage) -> None:
    own.start()
    ran = identities(own)
    kill(own.status().supervisor)

    own.stop()

    assert nothing_is_left(own, ran)


def test_orphans_that_a_broken_record_hides_are_found_all_the_same(own: Stage) -> None:
    own.start()
    ran = identities(own)
    kill(own.status().supervisor)
    processes_file(own.layout).write_text('{"supervisor"')

    own.stop()

    assert nothing_is_left(own, ran)


def test_a_program_that_exits_at_once_fails_the_start_and_leaves_nothing(own: Stage) -> None:
    false = shutil.which("false")
    assert false is not None
    own.tools = replace(own.tools, kube_scheduler=Path(false))

    with pytest.raises(RehearsalError, match="kube-scheduler does not stay up") as caught:
        own.start()

    assert caught.value.where == str(log_file(own.layout, "kube-scheduler"))
    assert "exit code 1" in caught.value.why
    assert own.status().supervisor is None
    assert not any(each.pid for each in own.status().processes)


def test_a_program_that_is_missing_is_named(own: Stage) -> None:
    own.tools = replace(own.tools, etcd=Path("/nowhere/etcd"))

    with pytest.raises(RehearsalError, match=r"No such file or directory: /nowhere/etcd"):
        own.start()


def test_a_file_in_place_of_the_state_folder_is_named(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(RehearsalError, match="remove the file"):
        Stage(tmp_path / "state", small_spec(), tools).start()
