"""The operator's commands on a cluster that is not of this machine: sign-in, context, way."""

import base64
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from fleet import kubernetes
from fleet.cli import app
from fleet.cluster_place import ClusterElsewhere
from fleet.port_forward import PortForward
from fleet.project import Project
from fleet.session import Session
from rehearsal.errors import RehearsalError
from tests.unit.aws_stack import aws_stack, write_stack_file
from tests.unit.recorder import IMAGINEER

NAMESPACE = "fleet-prod"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
ARN = f"arn:aws:eks:eu-central-1:123456789012:cluster/{NAMESPACE}"
# Counts its runs, and gives another token each time.
PLUGIN = """#!{python}
import json, pathlib
runs = pathlib.Path(__file__).with_suffix(".runs")
number = len(runs.read_text()) + 1 if runs.exists() else 1
runs.write_text("x" * number)
kind = {{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}}
print(json.dumps(kind | {{"status": {{"token": f"token-{{number}}"}}}}))
"""
# Listens, and answers with what it was asked.
KUBECTL = """#!{python}
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        told = [self.path, self.headers["Authorization"], *sys.argv[1:]]
        body = json.dumps({{"queues": {{}}, "told": told}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Api)
print(f"Forwarding from 127.0.0.1:{{server.server_port}} -> 8000", flush=True)
server.serve_forever()
"""


def program(path: Path, text: str) -> Path:
    path.write_text(text.format(python=sys.executable))
    path.chmod(0o700)
    return path


class ApiServer(ThreadingHTTPServer):
    """A Kubernetes API over plain HTTP that knows one token, or all that the program gives."""

    def __init__(self, objects: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.objects = objects
        self.valid = "token-"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, ApiServer)
        signed_in = str(self.headers["Authorization"]).startswith(f"Bearer {self.server.valid}")
        found = self.server.objects.get(self.path.partition("?")[0])
        code = 401 if not signed_in else 404 if found is None else 200
        body = json.dumps(found if signed_in else {"message": "who?"}).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api_server() -> Iterator[ApiServer]:
    token = {"data": {"token": base64.b64encode(b"of-the-fleet").decode()}}
    pod = {
        "metadata": {"name": "api-1"},
        "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8000}]}]},
        "status": {"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    home = f"/api/v1/namespaces/{NAMESPACE}"
    objects = {
        PODS: {"items": [pod]},
        f"{home}/services/api": {"spec": {"selector": {"a": "b"}}},
        f"{home}/secrets/api-token": token,
    }
    with ApiServer(objects) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def kubeconfig(folder: Path, server: str, *contexts: str) -> Path:
    """One whose user signs in by a program that lies beside it."""
    user = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": str(program(folder / "sign-in", PLUGIN)),
        "args": ["eks", "get-token"],
        "env": None,
    }
    document = {
        "current-context": contexts[0],
        "contexts": [{"name": c, "context": {"cluster": "c", "user": "u"}} for c in contexts],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"exec": user}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def runs(folder: Path) -> int:
    return len((folder / "sign-in.runs").read_text())


def test_a_token_is_asked_for_once_and_anew_when_it_has_run_out(
    api_server: ApiServer, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path, f"http://127.0.0.1:{api_server.server_port}", "a")
    cluster = kubernetes.connect(path)

    assert len(cluster.items(PODS)) == len(cluster.items(PODS)) == 1
    assert runs(tmp_path) == 1
    api_server.valid = "token-2"
    assert len(cluster.items(PODS)) == 1
    assert runs(tmp_path) == 2


def test_who_is_refused_with_a_new_token_too_is_told_so(
    api_server: ApiServer, tmp_path: Path
) -> None:
    api_server.valid = "of somebody else"
    path = kubeconfig(tmp_path, f"http://127.0.0.1:{api_server.server_port}", "a")

    with pytest.raises(RehearsalError, match="401: who"):
        kubernetes.connect(path).items(PODS)
    assert runs(tmp_path) == 2


@pytest.mark.parametrize("name", [NAMESPACE, ARN])
def test_of_a_kubeconfig_the_context_of_the_stacks_cluster_is_used(
    name: str, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:1", "other", name)

    assert ClusterElsewhere(str(path), "prod", aws_stack()).context() == name


@pytest.mark.parametrize("name", ["other", f"{NAMESPACE}-2", ARN.replace("eu-", "us-")])
def test_another_cluster_than_the_stacks_is_never_used(name: str, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:1", name)

    with pytest.raises(RehearsalError, match=f"wanted is {NAMESPACE}; there are: {name}"):
        ClusterElsewhere(str(path), "prod", aws_stack()).connect()


def test_kubeconfig_counts_for_stacks_that_are_not_of_this_machine(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "state")
    write_stack_file(project.stack_file("prod"))
    project.stack_file("local").write_text(IMAGINEER.read_text())
    own, named = {"KUBECONFIG": str(project.kubeconfig)}, {"KUBECONFIG": "/elsewhere"}

    def used(stack: str, given: Path | None, environ: dict[str, str]) -> str | None:
        elsewhere = Session(project, stack, given, environ).elsewhere
        return elsewhere.kubeconfig if elsewhere else None

    assert used("prod", None, named) == "/elsewhere"
    assert used("prod", Path("/given"), named) == "/given"
    assert used("local", Path("/given"), named) == "/given"
    assert used("local", None, named) is None
    assert used("prod", None, own) is None
    assert Session(project, "prod").elsewhere is None


def test_a_port_is_forwarded_again_when_kubectl_has_ended(tmp_path: Path) -> None:
    program(tmp_path / "kubectl", KUBECTL)
    way = PortForward(["port-forward"], {"PATH": str(tmp_path)})
    with httpx.Client(base_url="http://127.0.0.1", transport=way) as client:
        told = client.get("/a").json()["told"]
        first = way._process
        assert first is not None
        assert told == ["/a", None, "port-forward", "--address", "127.0.0.1"]

        first.kill()
        first.wait()

        assert client.get("/b").json()["told"][0] == "/b"
        second = way._process
    assert second is not None
    assert second.poll() is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "kubectl, which forwards a port to them, is not on PATH"),
        ("#!/bin/sh\necho no such service >&2; exit 1\n", "port-forward: no such service"),
    ],
)
def test_without_a_way_the_reason_is_told(text: str | None, told: str, tmp_path: Path) -> None:
    if text is not None:
        program(tmp_path / "kubectl", text)
    way = PortForward(["port-forward"], {"PATH": str(tmp_path)})

    with (
        httpx.Client(base_url="http://127.0.0.1", transport=way) as client,
        pytest.raises(RehearsalError, match=told),
    ):
        client.get("/")


def test_status_and_doctor_of_a_stack_elsewhere_ask_its_own_cluster_and_api(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: celery-fleet\n")
    write_stack_file(tmp_path / "Pulumi.prod.yaml")
    program(tmp_path / "kubectl", KUBECTL)
    path = kubeconfig(tmp_path, f"http://127.0.0.1:{api_server.server_port}", NAMESPACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELERY_FLEET_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("PATH", str(tmp_path))

    status, doctor = (
        CliRunner().invoke(app, [name, "-s", "prod"]) for name in ("status", "doctor")
    )

    assert status.exit_code == 0, status.output
    assert "api is not deployed" in status.output
    assert "supervisor" not in doctor.output
    assert "node group cpu: 0 of 2..6 nodes" in doctor.output
    assert "it is not provisioned" in doctor.output
