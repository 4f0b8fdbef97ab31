"""Pods on the node agent under a real control plane: what they get, and how they show."""

from ipaddress import IPv4Address
from pathlib import Path

import httpx
import pytest

from rehearsal.node_agent.rules.addresses import pod_network
from rehearsal.spec import NodeSpec
from tests.rehearsal.node_agent.cluster import (
    NodeCluster,
    Object,
    condition,
    container_status,
    exec_probe,
    sh,
    wait_for,
)

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

SERVE = ("python3", "-m", "http.server", "--bind", "$(POD_IP)", "8000")
POD_IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}


def test_a_pod_runs_at_its_own_address_and_becomes_ready_by_its_probe(
    cluster: NodeCluster,
) -> None:
    probe = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}
    ports = [{"name": "http", "containerPort": 8000}]
    # Two at once on the same port: each has an address.
    for name in ("web-1", "web-2"):
        cluster.run(name, *SERVE, env=[POD_IP], ports=ports, readinessProbe=probe)

    pods = [cluster.wait_ready(name) for name in ("web-1", "web-2")]

    addresses = {pod["status"]["podIP"] for pod in pods}
    assert len(addresses) == 2
    network = pod_network(cluster.layout.pods)
    assert all(IPv4Address(address) in network for address in addresses)
    assert all(pod["status"]["phase"] == "Running" for pod in pods)


def test_environment_of_all_kinds_reaches_the_process_and_the_agents_own_does_not(
    cluster: NodeCluster,
) -> None:
    cluster.create("secrets", "account", stringData={"password": "s3cret"})
    cluster.create("configmaps", "settings", data={"LEVEL": "INFO", "EXTRA": "e"})
    cluster.run(
        "env",
        *sh("env"),
        spec={"restartPolicy": "Never"},
        envFrom=[{"configMapRef": {"name": "settings"}}],
        env=[
            POD_IP,
            {
                "name": "PASSWORD",
                "valueFrom": {"secretKeyRef": {"name": "account", "key": "password"}},
            },
            {"name": "URL", "value": "rediss://:$(PASSWORD)@$(POD_IP)"},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ],
        resources={"limits": {"cpu": "1500m"}, "requests": {"cpu": "10m"}},
    )

    pod = cluster.wait_phase("env", "Succeeded")
    env = dict(line.partition("=")[::2] for line in cluster.log("env").splitlines())

    assert env["HOSTNAME"] == "env"
    assert env["URL"] == f"rediss://:s3cret@{pod['status']['podIP']}"
    assert (env["LEVEL"], env["NODE"], env["CPUS"]) == ("INFO", pod["spec"]["nodeName"], "2")
    assert "KUBECONFIG" not in env
    assert env["HOME"].startswith(str(cluster.layout.pods))


def test_mounts_are_folders_behind_the_container_paths(cluster: NodeCluster) -> None:
    cluster.create("configmaps", "settings", data={"a.txt": "from the config map"})
    cluster.create("secrets", "account", stringData={"password": "s3cret"})
    init = {
        "name": "init",
        "image": cluster.image,
        "command": sh("cat $SETTINGS > $SHARED/x; ls -l $ACCOUNT"),
        "env": [
            {"name": "SETTINGS", "value": "/etc/app/a.txt"},
            {"name": "SHARED", "value": "/srv/shared"},
            {"name": "ACCOUNT", "value": "/etc/account"},
        ],
        "volumeMounts": [
            {"name": "shared", "mountPath": "/srv/shared"},
            {"name": "settings", "mountPath": "/etc/app"},
            {"name": "account", "mountPath": "/etc/account"},
        ],
    }
    cluster.run(
        "mounts",
        "cat",
        "/data/x",
        spec={
            "restartPolicy": "Never",
            "initContainers": [init],
            "volumes": [
                {"name": "shared", "emptyDir": {}},
                {"name": "settings", "configMap": {"name": "settings"}},
                {"name": "account", "secret": {"secretName": "account"}},
            ],
        },
        volumeMounts=[{"name": "shared", "mountPath": "/data"}],
    )

    cluster.wait_phase("mounts", "Succeeded")

    assert cluster.log("mounts", container="main") == "from the config map"
    assert "-rw-------" in cluster.log("mounts", container="init")


def test_readiness_follows_its_probe(cluster: NodeCluster) -> None:
    cluster.run(
        "flap",
        *sh("touch $TMPDIR/up; exec sleep 600"),
        readinessProbe=exec_probe("test -e $TMPDIR/up", failureThreshold=1),
    )
    cluster.wait_ready("flap")

    (cluster.folder("flap") / "tmp" / "up").unlink()

    cluster.wait_pod("flap", lambda pod: condition(pod, "Ready") == "False", "unready")
    assert container_status(cluster.pod("flap"))["restartCount"] == 0


def test_a_gpu_is_had_only_by_pods_that_tolerate_its_node(cluster: NodeCluster) -> None:
    wants_gpu = {"resources": {"limits": {"nvidia.com/gpu": "1"}}}
    tolerant = {"tolerations": [{"operator": "Exists"}]}
    cluster.run("intolerant", *sh("sleep 600"), **wants_gpu)
    cluster.run("tolerant", *sh("exec sleep 600"), spec=tolerant, **wants_gpu)
    cluster.run("second", *sh("exec sleep 600"), spec=tolerant, **wants_gpu)

    # The node has one GPU: one of the two is on it, and neither of the others is anywhere.
    wait_for(
        lambda: (
            sum(
                cluster.pod(name)["status"]["phase"] == "Running" for name in ("tolerant", "second")
            )
            == 1
        ),
        "one pod on the GPU",
    )

    bound = {cluster.pod(n)["spec"].get("nodeName") for n in ("intolerant", "tolerant", "second")}
    assert bound == {None, cluster.gpu_node}
    assert "nodeName" not in cluster.pod("intolerant")["spec"]


def test_a_claims_data_outlives_its_pods_and_goes_with_the_claim(cluster: NodeCluster) -> None:
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    cluster.create(
        "persistentvolumeclaims", "data", spec={"storageClassName": "rehearsal", **claim}
    )
    volume = {
        "restartPolicy": "Never",
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    mounted: Object = {
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/app"}],
        "env": [{"name": "FILE", "value": "/var/lib/app/x"}],
    }

    cluster.run("writer", *sh("echo kept > $FILE"), spec=volume, **mounted)
    cluster.wait_phase("writer", "Succeeded")
    cluster.delete("pods", "writer")
    cluster.run("reader", "cat", "/var/lib/app/x", spec=volume, **mounted)
    cluster.wait_phase("reader", "Succeeded")

    assert cluster.log("reader") == "kept\n"
    folder = cluster.layout.volumes / cluster.namespace / "data"
    assert (folder / "x").exists()
    cluster.delete("pods", "reader")
    cluster.delete("persistentvolumeclaims", "data")
    wait_for(lambda: not folder.exists(), "the folder to be gone")


def test_logs_are_served_as_a_kubelet_serves_them(cluster: NodeCluster) -> None:
    cluster.run("talk", *sh("for i in 1 2 3; do echo $i; done; sleep 1; echo 4; exec sleep 600"))
    cluster.wait_phase("talk", "Running")
    wait_for(lambda: cluster.log("talk").startswith("1\n2\n3\n"), "three lines")

    assert cluster.log("talk", tailLines="1") in {"3\n", "4\n"}
    path, options = f"{cluster.path('pods', 'talk')}/log", {"follow": "true"}
    with cluster.client.stream("GET", path, params=options) as followed:
        lines = followed.iter_lines()
        assert [next(lines) for _ in range(4)] == ["1", "2", "3", "4"]
    assert "previous terminated container" in cluster.log("talk", previous="true")
    refused = cluster.client.post(
        f"{cluster.path('pods', 'talk')}/exec", params={"command": "ls", "stdout": "true"}
    )
    assert refused.status_code >= 400


def test_nodes_come_and_go_with_the_spec(cluster: NodeCluster) -> None:
    file = cluster.layout.spec_file
    before = file.read_bytes()
    spec = cluster.layout.read_spec()
    extra = NodeSpec(name="extra", capacity={"cpu": "2", "memory": "1Gi"})
    grown = spec.model_copy(update={"nodes": (*spec.nodes, extra)})

    def node() -> httpx.Response:
        return cluster.client.get("/api/v1/nodes/extra")

    try:
        replace(file, grown.model_dump_json().encode())
        pinned = {"nodeSelector": {"kubernetes.io/hostname": "extra"}}
        cluster.run("pinned", *sh("exec sleep 600"), spec=pinned)
        cluster.wait_phase("pinned", "Running")
    finally:
        replace(file, before)
    wait_for(lambda: node().status_code == 404, "the node to be gone")

    assert not cluster.exists("pods", "pinned")


def replace(file: Path, content: bytes) -> None:
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(content)
    fresh.replace(file)
