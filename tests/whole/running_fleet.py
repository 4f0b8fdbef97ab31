"""A whole fleet of its own for tests: its project folder, its commands, its API."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml

from fleet import kubernetes
from fleet.api_client import FleetApi, Result, connect
from fleet.kubernetes import Cluster, Object
from infra.config import load_file
from infra.models.fleet import FleetConfig

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
STACK = "whole"
NAMESPACE = "celery-fleet-whole"
# What a checkout has and the commands need.
_SHARED = ("infra", "stacks", "fleet", "rehearsal", "worker_image", ".venv")
CANARY = "worker_image.tasks.canary.work"

TASK_LIMIT_S = 60
GRACE_S = TASK_LIMIT_S + 16
"""The least that the rules allow."""
VISIBILITY_S = 2 * TASK_LIMIT_S
PATIENT = "scraping"
"""A worker whose pods tell which of them are idle."""


@dataclass(frozen=True)
class Ended:
    """A command that has run."""

    returncode: int
    stdout: str
    output: str
    """Both streams, for people."""


@dataclass(frozen=True)
class RunningFleet:
    """A project folder in which a fleet runs, or is about to."""

    folder: Path
    stack: str = STACK
    namespace: str = NAMESPACE

    def beside(self, stack: str) -> "RunningFleet":
        """Another stack of the same project, out of the template of its name."""
        document = yaml.safe_load((ROOT / "stacks" / f"{stack}.yaml").read_text())
        namespace = document["config"]["celery-fleet:namespace"]
        return RunningFleet(self.folder, stack, namespace)

    @property
    def stack_file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    @property
    def config(self) -> FleetConfig:
        return load_file(self.stack_file)

    @cached_property
    def environment(self) -> dict[str, str]:
        """What `eval "$(fleet env)"` makes of this process's environment."""
        script = f'eval "$({self.folder}/.venv/bin/fleet env)" && env -0'
        found = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, capture_output=True, text=True, check=True
        )
        pairs = (line.split("=", 1) for line in found.stdout.split("\0") if "=" in line)
        return dict(pairs)

    @cached_property
    def cluster(self) -> Cluster:
        return kubernetes.connect(self.folder / ".state" / "rehearsal" / "kubeconfig")

    @cached_property
    def api(self) -> FleetApi:
        return connect(self.cluster, self.namespace)

    def close(self) -> None:
        """Close the connections that tests have used; the next use makes new ones."""
        for name in ("cluster", "api"):
            if name in self.__dict__:
                self.__dict__.pop(name)._http.close()

    def fleet(self, *arguments: str) -> Ended:
        """Run a `fleet` command as a user would."""
        return self._run([str(self.folder / ".venv/bin/fleet"), *arguments], dict(os.environ))

    def pulumi(self, *arguments: str) -> Ended:
        """Run plain `pulumi` in the environment of `fleet env`."""
        ended = self._run(["pulumi", "--non-interactive", *arguments], self.environment)
        self.close()  # the API's pod may be another now
        return ended

    def logs(self, worker: str) -> str:
        """What a worker's pods have logged."""
        chosen = ["--selector", f"celery-fleet.dev/worker={worker}", "--tail=-1"]
        command = ["kubectl", "--namespace", self.namespace, "logs", *chosen]
        return self._run(command, self.environment).output

    def edit_stack(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the stack file's `celery-fleet` keys in place."""
        document = yaml.safe_load(self.stack_file.read_text())
        change(document["config"])
        self.stack_file.write_text(yaml.safe_dump(document, sort_keys=False))

    @contextmanager
    def edited(self, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """Bring the stack up with a change, and in the end as it was."""
        original = self.stack_file.read_text()
        self.edit_stack(change)
        self._up()
        yield
        self.stack_file.write_text(original)
        self._up()

    def get(self, kind: str, name: str) -> Object:
        """One object of the fleet's namespace; an empty one if there is none."""
        group = {
            "deployments": "/apis/apps/v1",
            "scaledobjects": "/apis/keda.sh/v1alpha1",
            "configmaps": "/api/v1",
            "secrets": "/api/v1",
        }[kind]
        return self.cluster.get(f"{group}/namespaces/{self.namespace}/{kind}/{name}") or {}

    def pods(self, worker: str) -> list[Object]:
        selector = f"celery-fleet.dev/worker={worker}"
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        return self.cluster.items(path, labelSelector=selector)

    def canary(self, queue: str, seconds: float, priority: int | None = None) -> str:
        """Send a task that holds a slot of the queue for so long; return its id."""
        return self.api.create(CANARY, {"seconds": seconds}, queue=queue, priority=priority)

    def result(self, task_id: str, within_s: float) -> Result:
        """Wait for a task's end."""
        return until(lambda: self._ended(task_id), within_s, f"task {task_id} has ended")

    def rest(self, worker: str, within_s: float = 60) -> None:
        """Wait until a worker has no pod."""
        until(lambda: not self.pods(worker) or None, within_s, f"{worker} is at zero")

    def _up(self) -> None:
        up = self.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.output

    def _ended(self, task_id: str) -> Result | None:
        result = self.api.result(task_id)
        return None if result.status == "pending" else result

    def _run(self, command: list[str], env: dict[str, str]) -> Ended:
        run = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        return Ended(run.returncode, run.stdout, run.stdout + run.stderr)


def until(look: Callable[[], T | None], within_s: float, what: str) -> T:
    """Look until there is something, or fail with what was waited for."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {within_s:g} s: {what}")


def make_project(folder: Path) -> RunningFleet:
    """A project folder with its own state and Imagineer's stack under a name of its own."""
    for name in _SHARED:
        (folder / name).symlink_to(ROOT / name)
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    running = RunningFleet(folder)
    running.stack_file.write_text((ROOT / "stacks" / "imagineer.yaml").read_text())
    running.edit_stack(_adapt)
    return running


def _adapt(config: dict[str, Any]) -> None:
    config["celery-fleet:namespace"] = NAMESPACE
    # Other stacks come up beside it, on the same broker.
    config["celery-fleet:broker"]["keyPrefix"] = f"{STACK}:"
    config["celery-fleet:broker"]["visibilityTimeoutSeconds"] = VISIBILITY_S
    # What rules and dashboards say of the broker is read from it.
    config["celery-fleet:monitoring"] = {"kind": "existing", "redisExporter": True}
    for worker in config["celery-fleet:workers"].values():
        worker["terminationGracePeriodSeconds"] = GRACE_S
    config["celery-fleet:workers"][PATIENT]["podDeletionCost"] = True
    for queue in config["celery-fleet:queues"].values():
        queue |= {"timeLimitSeconds": TASK_LIMIT_S, "softTimeLimitSeconds": TASK_LIMIT_S - 5}
        objective = queue.setdefault("objective", {})
        objective["typicalSeconds"] = min(objective.get("typicalSeconds", 10), 10)
