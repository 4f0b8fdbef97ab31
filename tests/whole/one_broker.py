"""Stacks that share one broker, each as its own pods see it: Celery's commands and the API."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from fleet.api_client import FleetApi
from fleet.kubernetes import Cluster
from tests.whole.running_fleet import CANARY, until

QUEUE = "default"
_STARTS_WITHIN_S = 90
_ENDS_WITHIN_S = 90
# With 69 where nobody has answered (Celery 5.7.0).
_CELERY_ENDS = (0, 69)


@dataclass(frozen=True)
class Sharer:
    """One of the stacks."""

    namespace: str
    prefix: str
    cluster: Cluster
    api: FleetApi

    def pods(self, component: str | None = None) -> list[str]:
        """Names of its pods; of one component where it is named."""
        chosen = {"labelSelector": f"app.kubernetes.io/component={component}"} if component else {}
        found = self.cluster.items(f"/api/v1/namespaces/{self.namespace}/pods", **chosen)
        return [pod["metadata"]["name"] for pod in found]

    def sees(self, word: str) -> bool:
        """Whether a text that Celery prints names one of its pods."""
        return any(pod in word for pod in self.pods())

    def celery(self, *words: str) -> str:
        """Run `celery` as a person would with `kubectl exec deploy/beat -- celery ...`."""
        return self._run(("celery", "--app=worker_image.app", *words), ends=_CELERY_ENDS)

    def answers(self, *words: str) -> dict[str, Any]:
        """What each worker has answered to `celery inspect`, by its name."""
        printed = self.celery("inspect", *words, "--json", "--timeout=3")
        answered: dict[str, Any] = json.loads(printed) if printed.startswith("{") else {}
        return answered

    @contextmanager
    def events(self, into: Path) -> Iterator[None]:
        """`celery events` at work, which writes what it hears into a file."""
        command = ("celery", "--app=worker_image.app", "events", "--dump")
        with into.open("w") as file, self._started(command, file.fileno()):
            yield

    def python(self, program: str) -> str:
        """Run a program in its beat's environment."""
        return self._run(("python", "-c", program))

    def send(self, count: int, seconds: float = 0.0) -> list[str]:
        return [self.api.create(CANARY, {"seconds": seconds}, queue=QUEUE) for _ in range(count)]

    def ended(self, tasks: list[str]) -> None:
        """Wait until tasks are done."""
        for task in tasks:
            look = lambda task=task: self.api.result(task).status != "pending" or None  # noqa: E731 - of this very task
            until(look, _ENDS_WITHIN_S, f"task {task} of {self.namespace} has ended")

    def wake(self, for_s: float) -> None:
        """Hold a slot of its worker for so long, and wait until the worker is there."""
        held = set(self.send(1, for_s))
        look = lambda: held & set(self.active()) or None  # noqa: E731 - short
        until(look, _STARTS_WITHIN_S, f"a worker of {self.namespace} works")

    def active(self) -> list[str]:
        """Ids of the tasks that its API says are running."""
        answer = self.api.ask("GET", "/api/v1/workers/active")
        return [task["id"] for tasks in answer.values() for task in tasks]

    def done(self) -> int:
        return self.api.queues()[QUEUE].done

    def _run(self, command: tuple[str, ...], ends: tuple[int, ...] = (0,)) -> str:
        with self._started(command, subprocess.PIPE) as process:
            output, _ = process.communicate(timeout=60)
        assert process.returncode in ends, output
        return output

    @contextmanager
    def _started(self, command: tuple[str, ...], into: int) -> Iterator["subprocess.Popen[str]"]:
        """A program in the environment of its beat's pod; it is ended, should it not have."""
        (pod,) = self.pods("beat")
        env, folder = _surroundings(pod)
        program = shutil.which(command[0], path=env["PATH"])
        assert program is not None
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=into,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def _surroundings(pod: str) -> tuple[Mapping[str, str], str]:
    """Environment and folder of a pod's main process, which `kubectl exec` would have too."""
    for process in psutil.process_iter():
        try:
            env = process.environ()
            if env.get("POD_NAME") == pod:
                return env, process.cwd()
        except psutil.Error:
            continue
    raise AssertionError(f"no process of pod {pod}")


@dataclass(frozen=True)
class Databases:
    """The broker itself, past every stack: messages, and results."""

    messages: "redis.Redis"
    results: "redis.Redis"

    def keys(self, pattern: str = "*") -> set[str]:
        both = (self.messages, self.results)
        return {key for each in both for key in each.scan_iter(pattern, count=1000)}

    def channels(self) -> set[str]:
        return set(map(str, self.messages.pubsub_channels()))
