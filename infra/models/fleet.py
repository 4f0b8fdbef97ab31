"""One stack, whole, and the rules that span its parts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from infra.models.api import ApiSpec
from infra.models.base import Spec
from infra.models.beat import BeatSpec
from infra.models.broker import ExistingBroker
from infra.models.cluster import ExistingCluster, NodeGroupSpec
from infra.models.queue import QueueSpec
from infra.models.types import NamespaceName, NodeGroupName, QueueName, WorkerName
from infra.models.worker import WorkerSpec

Tier = Literal["prod", "staging", "preview", "local"]


class FleetConfig(Spec):
    """What a stack file states, after defaults; everything else is derived from it."""

    tier: Tier
    namespace: NamespaceName
    image: str = Field(pattern=r"^[a-z0-9][a-z0-9./_-]*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$")
    cluster: ExistingCluster
    broker: ExistingBroker
    node_groups: Mapping[NodeGroupName, NodeGroupSpec] = Field(min_length=1)
    queues: Mapping[QueueName, QueueSpec] = Field(min_length=1)
    workers: Mapping[WorkerName, WorkerSpec]
    beat: BeatSpec = BeatSpec()
    api: ApiSpec = ApiSpec()

    @model_validator(mode="before")
    @classmethod
    def _name_what_is_left_out(cls, raw: Any) -> Any:  # noqa: ANN401 - unvalidated input
        """Give each worker without queues its own queue, and each queue a worker."""
        if not isinstance(raw, dict) or not isinstance(raw.get("queues"), dict):
            return raw
        workers = dict(raw.get("workers") or {})
        for name, worker in workers.items():
            if isinstance(worker, dict) and not worker.get("queues"):
                workers[name] = {**worker, "queues": [_queue_of(name, raw["queues"])]}
        served = {q for w in workers.values() if isinstance(w, dict) for q in w["queues"]}
        for queue in (name for name in raw["queues"] if name not in served):
            workers.setdefault(str(queue).replace("_", "-"), {"queues": [queue]})
        return {**raw, "workers": workers}

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        problems = [*self._queue_problems(), *self._worker_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _queue_problems(self) -> Iterator[str]:
        served = Counter(queue for worker in self.workers.values() for queue in worker.queues)
        for queue in self.queues:
            if not served[queue]:
                yield f"queues.{queue}: no worker serves it; messages would wait for ever"
        if self.beat.maintenance_queue not in self.queues:
            yield (
                f"beat.maintenanceQueue is {self.beat.maintenance_queue!r}, which is not one of "
                f"the queues ({', '.join(self.queues)})"
            )

    def _worker_problems(self) -> Iterator[str]:
        for name, worker in self.workers.items():
            for queue in worker.queues:
                if queue not in self.queues:
                    yield f"workers.{name}.queues names {queue!r}, which is not declared in queues"
            yield from self._placement_problems(name, worker)

    def _placement_problems(self, name: str, worker: WorkerSpec) -> Iterator[str]:
        group = self.node_groups.get(worker.node_group)
        if group is None:
            yield (
                f"workers.{name}.nodeGroup is {worker.node_group!r}, which is not one of "
                f"nodeGroups ({', '.join(self.node_groups)})"
            )
        elif worker.resources.gpu > group.gpu:
            yield (
                f"workers.{name}.resources.gpu is {worker.resources.gpu}, but a node of group "
                f"{worker.node_group!r} has {group.gpu}: its pods could never be placed"
            )


def _queue_of(worker: str, queues: Mapping[str, object]) -> str:
    """Queue of a worker's own name; queue names may hold underscores, worker names not."""
    underscored = worker.replace("-", "_")
    return underscored if underscored in queues and worker not in queues else worker
