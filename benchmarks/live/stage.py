"""The rehearsal that the benchmark brings up for itself, and its broker."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import redis

from benchmarks.live.scenario import Scenario
from fleet import kubernetes
from fleet.kubernetes import Cluster
from fleet.project import Project, find
from fleet.rehearsal_spec import rehearsal_spec
from rehearsal.control_plane.platform_objects import PLATFORM_NAMESPACE
from rehearsal.supervisor import client as supervisor
from rehearsal.toolchain import ensure_tools

Report = Callable[[str], None]
_SECRET = "broker"  # noqa: S105 - its name


@dataclass(frozen=True)
class Stage:
    """A running control plane, KEDA, node agent and broker."""

    project: Project

    @property
    def kubeconfig(self) -> Path:
        return self.project.kubeconfig

    @cached_property
    def cluster(self) -> Cluster:
        return kubernetes.connect(self.kubeconfig)

    @cached_property
    def connection(self) -> dict[str, str]:
        """What the platform publishes of its broker."""
        return dict(self.cluster.secret(PLATFORM_NAMESPACE, _SECRET) or {})

    @cached_property
    def messages(self) -> "redis.Redis":
        """The database of messages, as its owner sees it."""
        return self._database(0)

    @cached_property
    def results(self) -> "redis.Redis":
        """The database of results, likewise."""
        return self._database(1)

    def processes(self) -> list[int]:
        """Ids of the stage's own processes; pods descend from one of them."""
        found = supervisor.status(self.project.rehearsal).processes
        return [process.pid for process in found if process.pid is not None]

    def forget_messages(self) -> None:
        """Empty the broker: messages, what was in flight, results."""
        self.messages.flushdb()
        self.results.flushdb()

    def ca_file(self) -> Path:
        """The broker's CA, for a publisher beside the pods."""
        path = self.project.state / "broker-ca.crt"
        path.write_text(self.connection["ca.crt"])
        return path

    def close(self) -> None:
        """Close the connections that were used."""
        for name in ("messages", "results", "cluster"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def _database(self, number: int) -> "redis.Redis":
        found = self.connection
        return redis.Redis(
            host=found["host"],
            port=int(found["port"]),
            username=found["username"],
            password=found["password"],
            db=number,
            ssl=True,
            ssl_ca_data=found["ca.crt"],
            ssl_cert_reqs=ssl.CERT_REQUIRED,
            decode_responses=True,
        )


@contextmanager
def staged(scenario: Scenario, report: Report) -> Iterator[Stage]:
    """Bring the stage up at the scenario's pace; take it down, however the block ends."""
    checkout = find(Path(__file__))
    project = Project(checkout.root, checkout.state / "live")
    project.work.mkdir(parents=True, exist_ok=True)
    tools = ensure_tools(report)
    spec = rehearsal_spec(project, {"live": scenario.config("live", "")})
    spec = spec.model_copy(update={"hpa_sync_period_s": scenario.stage_hpa_s})
    try:
        supervisor.start(project.rehearsal, spec, tools, report)
        with closing(Stage(project)) as stage:
            yield stage
    finally:
        supervisor.stop(project.rehearsal, report)
