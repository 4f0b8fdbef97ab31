"""A stage as tests use it."""

import os
import signal
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx

from rehearsal.layout import Layout
from rehearsal.spec import ImageSpec, NodeSpec, RehearsalSpec, Taint
from rehearsal.supervisor import client
from rehearsal.supervisor.identity import identify
from rehearsal.supervisor.status import ProcessStatus, RehearsalStatus
from rehearsal.toolchain import Tools

IMAGE = "rehearsal.test/python"
T = TypeVar("T")


def small_spec() -> RehearsalSpec:
    """One node of each kind, this very Python as the one image, a quick autoscaler."""
    checkout = Path(__file__).resolve().parents[2]
    gpu = {"cpu": "8", "memory": "16Gi", "pods": "50", "nvidia.com/gpu": "1"}
    return RehearsalSpec(
        nodes=(
            NodeSpec(name="cpu-1", capacity={"cpu": "16", "memory": "32Gi", "pods": "110"}),
            NodeSpec(name="gpu-1", capacity=gpu, taints=(Taint(key="nvidia.com/gpu"),)),
        ),
        images=(
            ImageSpec(repository=IMAGE, path=(Path(sys.executable).parent,), working_dir=checkout),
        ),
        hpa_sync_period_s=2,
    )


def eventually(look: Callable[[], T | None], what: str, within_s: float = 30.0) -> T:
    """Look again until something is there."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} within {within_s:.0f} s"
        time.sleep(0.05)
    return found


@dataclass
class Stage:
    """A state folder with what runs there; `told` is what the commands reported."""

    root: Path
    spec: RehearsalSpec
    tools: Tools
    told: list[str] = field(default_factory=list)
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def kubeconfig(self) -> Path:
        return self.layout.kubeconfig

    @cached_property
    def api(self) -> httpx.Client:
        """The API server, as its administrator."""
        folder = self.layout.certificates
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        context.load_cert_chain(folder / "client-admin.crt", folder / "client-admin.key")
        port = self.status().ports["kube_apiserver"]
        return httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=context, trust_env=False, timeout=30
        )

    def start(self) -> list[str]:
        """Start or attach; give what this command told."""
        self.told.clear()
        self.env = client.start(self.root, self.spec, self.tools, self.told.append).env
        return list(self.told)

    def stop(self) -> list[str]:
        self.told.clear()
        if "api" in self.__dict__:
            self.__dict__.pop("api").close()
        client.stop(self.root, self.told.append)
        return list(self.told)

    def status(self) -> RehearsalStatus:
        return client.status(self.root)

    def process(self, name: str) -> ProcessStatus:
        return next(each for each in self.status().processes if each.name == name)

    def get(self, path: str) -> dict[str, Any]:
        answer = self.api.get(path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def create(self, path: str, document: Mapping[str, Any]) -> None:
        answer = self.api.post(path, json=document)
        assert answer.is_success, answer.text


def kill(pid: int | None) -> None:
    """SIGKILL, and wait until the process is gone."""
    assert pid is not None
    identity = identify(pid)
    assert identity is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not identity.alive, f"end of {pid}")
