"""What the rehearsal is asked to stage, and what is refused before it starts."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from fleet import preflight, stack_config, web_pages
from fleet.failing_task import worker_of
from fleet.project import Project
from fleet.rehearsal_spec import image_repository, rehearsal_spec
from rehearsal.errors import RehearsalError
from tests.unit.recorder import imagineer


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, tmp_path / ".state")


def test_nodes_of_a_fixed_group_are_staged_with_label_and_capacity(project: Project) -> None:
    (cpu,) = rehearsal_spec(project, {"local": imagineer()}).nodes

    assert cpu.name == "local-cpu-0"
    assert cpu.capacity == {"cpu": "32", "memory": "65536Mi", "pods": "110"}
    assert cpu.labels["celery-fleet.dev/node-group"] == "cpu"
    assert cpu.image_pull_s == 0


def test_a_group_that_may_grow_is_left_to_the_node_autoscaler(project: Project) -> None:
    (gpu,) = rehearsal_spec(project, {"local": imagineer()}).node_groups

    assert (gpu.name, gpu.minimum, gpu.maximum) == ("local-gpu", 0, 1)
    assert (gpu.launch_s, gpu.image_pull_s, gpu.idle_s) == (5, 2, 20)
    node = gpu.node(0)
    assert node.name == "local-gpu-0"
    assert node.capacity["nvidia.com/gpu"] == "1"
    assert node.labels["celery-fleet.dev/node-group"] == "gpu"
    assert [taint.key for taint in node.taints] == ["nvidia.com/gpu"]


def test_nodes_at_rest_have_their_images_and_launched_ones_pull_them(project: Project) -> None:
    groups = imagineer().model_dump(by_alias=True)["nodeGroups"]
    groups["gpu"] |= {"nodes": 1, "maxNodes": 2}
    (gpu,) = rehearsal_spec(project, {"local": imagineer(nodeGroups=groups)}).node_groups

    assert [gpu.node(number).image_pull_s for number in (0, 1)] == [0, 2]


def test_stacks_that_share_the_rehearsal_each_have_nodes_and_one_image(project: Project) -> None:
    spec = rehearsal_spec(project, {"local": imagineer(), "other": imagineer()})

    assert [node.name for node in spec.nodes] == ["local-cpu-0", "other-cpu-0"]
    assert [group.name for group in spec.node_groups] == ["local-gpu", "other-gpu"]
    assert [image.repository for image in spec.images] == ["celery-fleet/worker"]


def test_one_rehearsal_scales_as_often_as_the_hastiest_of_its_stacks(project: Project) -> None:
    calm, hasty = imagineer(), imagineer()
    cluster = calm.cluster.model_copy(update={"hpa_sync_period_s": 15})
    calm = calm.model_copy(update={"cluster": cluster})

    assert rehearsal_spec(project, {"calm": calm}).hpa_sync_period_s == 15
    assert rehearsal_spec(project, {"calm": calm, "hasty": hasty}).hpa_sync_period_s == 10


def test_pods_run_the_code_of_this_checkout(project: Project) -> None:
    (image,) = rehearsal_spec(project, {"local": imagineer()}).images

    assert image.env["PYTHONPATH"] == str(project.root)
    assert (image.path[0] / "python").exists()


@pytest.mark.parametrize(
    "image",
    [
        "host:5000/fleet/worker",
        "host:5000/fleet/worker:1.2",
        "host:5000/fleet/worker@sha256:" + "0" * 64,
        "host:5000/fleet/worker:1.2@sha256:" + "0" * 64,
    ],
)
def test_a_repository_has_neither_tag_nor_digest_but_keeps_its_port(image: str) -> None:
    assert image_repository(image) == "host:5000/fleet/worker"


def test_an_old_python_is_refused_with_both_versions() -> None:
    with pytest.raises(RehearsalError, match=r"Python 3\.10 is too old\n(.*\n)*.*3\.11"):
        preflight.check_python((3, 10))


def test_a_nearly_full_disk_is_refused_even_before_the_folder_exists(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="disk is nearly full"):
        preflight.check_disk(tmp_path / "not" / "yet", 10**12)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - the very case refused
        yield server


def test_a_port_held_on_every_address_is_refused_with_its_holder(listener: socket.socket) -> None:
    port = listener.getsockname()[1]

    with pytest.raises(RehearsalError, match=rf"port {port} is taken\n(.*\n)*.*\(pid \d+\)"):
        preflight.check_port(port)


def test_a_port_held_on_another_loopback_address_is_free_for_pods() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        preflight.check_port(server.getsockname()[1])


def test_a_misspelt_key_is_refused_by_file_and_key(project: Project) -> None:
    path = project.stack_file("local")
    template = Path(__file__).resolve().parents[2] / "stacks" / "imagineer.yaml"
    path.write_text(template.read_text().replace("maxReplicaCount: 1", "maxReplicas: 1"))

    with pytest.raises(RehearsalError) as raised:
        stack_config.read(path)

    assert "Pulumi.local.yaml: workers.training.maxReplicas is not a known key" in raised.value.why


def test_a_stack_of_the_cloud_is_not_rehearsed(project: Project) -> None:
    path = project.stack_file("prod")
    template = Path(__file__).resolve().parents[2] / "stacks" / "imagineer.yaml"
    path.write_text(template.read_text().replace("tier: local", "tier: prod"))

    with pytest.raises(RehearsalError, match="tier prod"):
        stack_config.rehearsable(path)


def test_a_task_is_told_with_the_worker_that_serves_its_queue() -> None:
    config = imagineer()

    assert worker_of(config, "worker_image.tasks.labeling.label_image") == "labeling"
    assert worker_of(config, "worker_image.tasks.unknown") == "default"


def test_a_task_that_two_routes_match_is_told_with_the_worker_of_the_narrower_one() -> None:
    queues = {"a": {"routes": ["tasks.*"]}, "b": {"routes": ["tasks.build.*"]}}
    config = imagineer(queues=queues, workers={}, beat={"maintenanceQueue": "a"})

    assert worker_of(config, "tasks.build.image") == "b"
    assert worker_of(config, "tasks.buildings") == "a"


def test_the_demonstrations_pages_are_served_on_loopback_until_it_ends() -> None:
    with web_pages.served() as addresses:
        with urlopen(addresses[0]) as page:  # noqa: S310 - our own server
            assert b"<title>Notes on index</title>" in page.read()
        host, port = addresses[0].split("/")[2].split(":")

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)
