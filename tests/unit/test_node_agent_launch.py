"""What is executed for a container, and how container paths become local ones."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from rehearsal.node_agent.rules.addresses import next_address, pod_network
from rehearsal.node_agent.rules.images import image_of, repository_of, unknown_image
from rehearsal.node_agent.rules.launch import (
    MARK,
    Launch,
    Surroundings,
    container_launch,
    hook_arguments,
    image_env,
    probe_arguments,
)
from rehearsal.node_agent.rules.mount_paths import Mount, PathRewriter
from rehearsal.node_agent.rules.support import refusals
from rehearsal.spec import ImageSpec
from tests.unit.node_agent_pods import container, pod

IMAGE = ImageSpec(
    repository="reg.example/fleet/worker",
    path=(Path("/venv/bin"),),
    env={"APP": "celery"},
    working_dir=Path("/src"),
)
MOUNTS = (
    Mount("/data", Path("/pods/p/volumes/data")),
    Mount("/data/cache", Path("/pods/p/volumes/cache")),
    Mount("/etc/fleet/", Path("/pods/p/volumes/settings")),
)


def launch(mounts: tuple[Mount, ...] = MOUNTS, **fields: Any) -> Launch:
    around = Surroundings(IMAGE, Path("/pods/p"), mounts, ("127.0.0.1", 6443))
    own = container(**fields)
    env = {v.name: v.value for v in own.env}
    return container_launch(own, {**image_env(pod(), around), **env}, around)


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/data", "/pods/p/volumes/data"),
        ("/data/x.txt", "/pods/p/volumes/data/x.txt"),
        ("/data/cache/x", "/pods/p/volumes/cache/x"),
        ("/data/caches", "/pods/p/volumes/data/caches"),
        ("/database", "/database"),
        ("/etc/fleet/ca.crt", "/pods/p/volumes/settings/ca.crt"),
        ("/src/data/x", "/src/data/x"),
        ("cat /data", "cat /data"),
    ],
)
def test_a_path_is_rewritten_at_a_path_boundary_by_the_longest_mount(
    text: str, rewritten: str
) -> None:
    assert PathRewriter(MOUNTS).value(text) == rewritten
    assert PathRewriter(MOUNTS).argument(text) == rewritten


def test_an_argument_may_hold_its_path_behind_an_equals_sign_but_a_value_may_not() -> None:
    rewriter = PathRewriter(MOUNTS)

    assert rewriter.argument("--dir=/data/x") == "--dir=/pods/p/volumes/data/x"
    assert rewriter.argument("--dir=/database") == "--dir=/database"
    assert rewriter.value("dir=/data/x") == "dir=/data/x"


def test_a_checkout_below_a_mounts_path_still_finds_its_programs() -> None:
    folders = (Path("/data/checkout/.venv/bin"),)
    image = IMAGE.model_copy(update={"path": folders, "env": {"PYTHONPATH": "/data/checkout"}})
    around = Surroundings(image, Path("/data/checkout/.state/pods/p"), MOUNTS, ("127.0.0.1", 6443))

    env = container_launch(container(), image_env(pod(), around), around).env

    assert env["PATH"].startswith("/data/checkout/.venv/bin:")
    assert env["PYTHONPATH"] == "/data/checkout"
    assert env["HOME"] == "/data/checkout/.state/pods/p/home"


def test_a_local_path_is_not_taken_for_a_container_path_again() -> None:
    below_tmp = (Mount("/tmp", Path("/tmp/pods/p/volumes/tmp")),)  # noqa: S108 - only compared

    made = launch(below_tmp, env=[{"name": "DIR", "value": "/tmp/x"}], args=["$(DIR)"])  # noqa: S108 - likewise

    assert made.argv == ("x", "/tmp/pods/p/volumes/tmp/x")  # noqa: S108 - likewise
    assert made.env["DIR"] == "/tmp/pods/p/volumes/tmp/x"  # noqa: S108 - likewise


def test_without_mounts_everything_stays() -> None:
    assert PathRewriter(()).argument("/data") == "/data"


def test_arguments_are_expanded_from_the_environment() -> None:
    made = launch(
        command=["celery", "-n", "w@$(POD)"],
        args=["--schedule=$(DIR)/beat"],
        env=[{"name": "POD", "value": "p-1"}, {"name": "DIR", "value": "/data"}],
    )

    assert made.argv == ("celery", "-n", "w@p-1", "--schedule=/pods/p/volumes/data/beat")


def test_a_program_that_is_named_by_its_path_in_the_image_runs_from_where_it_is_here() -> None:
    programs = {"/exporter": Path("/tools/exporter")}
    image = IMAGE.model_copy(update={"programs": programs})
    around = Surroundings(image, Path("/pods/p"), MOUNTS, ("127.0.0.1", 6443))

    def argv(*command: str) -> tuple[str, ...]:
        return container_launch(container(command=command), {}, around).argv

    assert argv("/exporter", "/exporter") == ("/tools/exporter", "/exporter")
    assert argv("/other") == ("/other",)


def test_a_container_sees_the_images_environment_and_not_the_agents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/etc/admin")

    assert dict(launch().env) == {
        "APP": "celery",
        "PATH": "/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOSTNAME": "p",
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": "6443",
        "HOME": "/pods/p/home",
        "TMPDIR": "/pods/p/tmp",
        MARK: "/pods/p/main",
    }


def test_a_mounted_tmp_is_the_temporary_folder() -> None:
    made = launch((Mount("/tmp", Path("/pods/p/volumes/scratch")),))  # noqa: S108 - a container's path

    assert made.env["TMPDIR"] == "/pods/p/volumes/scratch"


def test_the_working_directory_is_the_containers_else_the_images() -> None:
    assert launch(workingDir="/data/in").working_dir == "/pods/p/volumes/data/in"
    assert launch().working_dir == "/src"


def test_a_probes_command_knows_literal_values_only_as_the_kubelets_does() -> None:
    own = container(
        env=[
            {"name": "FILE", "value": "/data/heartbeat"},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ]
    )
    command = ["find", "$(FILE)", "ip=$(IP)"]

    assert probe_arguments(own, command, MOUNTS) == (
        "find",
        "/pods/p/volumes/data/heartbeat",
        "ip=",
    )
    assert hook_arguments(command, MOUNTS) == ("find", "$(FILE)", "ip=$(IP)")


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("worker", "worker"),
        ("reg.example/fleet/worker:1.2", "reg.example/fleet/worker"),
        ("localhost:5000/worker", "localhost:5000/worker"),
        ("localhost:5000/worker:1@sha256:abc", "localhost:5000/worker"),
    ],
)
def test_tag_and_digest_do_not_tell_images_apart(image: str, repository: str) -> None:
    assert repository_of(image) == repository


def test_an_unknown_image_is_refused_with_the_known_ones_named() -> None:
    assert image_of([IMAGE], "reg.example/fleet/worker:9") is IMAGE
    assert image_of([IMAGE], "other:9") is None
    assert "it knows: reg.example/fleet/worker" in unknown_image([IMAGE], "other:9")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"containers": [{"name": "main", "image": "a"}]}, "no `command`"),
        ({"volumes": [{"name": "v", "nfs": {"server": "s"}}]}, "volume v"),
        ({"activeDeadlineSeconds": 5}, "activeDeadlineSeconds"),
        (
            {"initContainers": [{"name": "i", "command": ["x"], "restartPolicy": "Always"}]},
            "sidecars",
        ),
        (
            {
                "containers": [
                    {"name": "m", "command": ["x"], "livenessProbe": {"grpc": {"port": 1}}}
                ]
            },
            "gRPC",
        ),
        (
            {"containers": [{"name": "m", "command": ["x"], "lifecycle": {"postStart": {}}}]},
            "postStart",
        ),
    ],
)
def test_what_cannot_run_here_is_refused_and_not_half_run(
    spec: dict[str, Any], reason: str
) -> None:
    found = refusals(pod(**spec).spec)

    assert len(found) == 1
    assert reason in found[0]


def test_an_ordinary_pod_is_not_refused() -> None:
    assert refusals(pod(volumes=[{"name": "v", "emptyDir": {}}]).spec) == []


def test_addresses_go_round_before_one_is_used_again() -> None:
    network = IPv4Network("127.77.0.0/20")

    assert next_address(network, None, ()) == "127.77.0.1"
    assert next_address(network, "127.77.0.1", {"127.77.0.2"}) == "127.77.0.3"
    assert next_address(network, "127.77.0.254", ()) == "127.77.1.1"
    assert next_address(network, "127.77.15.254", {"127.77.0.1"}) == "127.77.0.2"


def test_two_rehearsals_give_their_pods_addresses_of_their_own() -> None:
    networks = {pod_network(Path(f"/checkouts/{number}/pods")) for number in range(20)}

    assert len(networks) >= 19
    assert all(network.subnet_of(IPv4Network("127.64.0.0/10")) for network in networks)
