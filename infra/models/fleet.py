"""One stack, whole: what its file states, with what was left out filled in."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from infra.models.addons import AddOnSpec, CloudAlarms, MonitoringSpec
from infra.models.admission import AdmissionSpec
from infra.models.agreement import problems
from infra.models.api import ApiSpec
from infra.models.base import Spec
from infra.models.beat import BeatSpec
from infra.models.broker import ExistingBroker
from infra.models.cluster import ExistingCluster, NodeGroupSpec
from infra.models.eks import EksCluster
from infra.models.elasticache import ElastiCacheBroker
from infra.models.guest_broker import GuestBroker
from infra.models.image import WorkerImage
from infra.models.network import ExistingNetwork, NewNetwork
from infra.models.network_policy import NetworkPolicySpec
from infra.models.preview import PreviewSpec
from infra.models.queue import QueueSpec
from infra.models.queue_class import merged
from infra.models.tier import Tier
from infra.models.tier_sections import with_tier_sections
from infra.models.types import (
    WORKER_NAME,
    AwsRegion,
    NamespaceName,
    NodeGroupName,
    QueueName,
    UsdPerHour,
    WorkerName,
)
from infra.models.worker import WorkerSpec


class Profile(Spec):
    """Another set of workers for the same queues, chosen by `profile`."""

    workers: Mapping[WorkerName, WorkerSpec] = Field(min_length=1)
    """Queues that none of them names are left out; one without queues names that of its name."""
    beat: BeatSpec = BeatSpec()
    """What of `beat` is other than the stack's, as a rarer schedule."""


class FleetConfig(Spec):
    """What a stack file states, after defaults; everything else is derived from it."""

    tier: Tier
    namespace: NamespaceName
    image: WorkerImage
    """A reference, by digest outside of tests; or `cpu` and `gpu`; or `build`."""
    cluster: ExistingCluster | EksCluster = Field(discriminator="kind")
    broker: ExistingBroker | ElastiCacheBroker | GuestBroker = Field(discriminator="kind")
    network: NewNetwork | ExistingNetwork | None = Field(default=None, discriminator="kind")
    """Of an EKS cluster or an ElastiCache broker; a new one beside `cluster.kind: eks`."""
    network_policy: NetworkPolicySpec = NetworkPolicySpec()
    """What reaches the fleet's pods, and what they reach."""
    keda: AddOnSpec = AddOnSpec(kind="existing")
    monitoring: MonitoringSpec = MonitoringSpec(kind="existing")
    """kube-prometheus-stack: Prometheus, Alertmanager, Grafana."""
    alarms: CloudAlarms = CloudAlarms()
    protect: bool = False
    """Whether what holds data, and the cluster, can be deleted only after this is lifted."""
    tags: Mapping[str, str] = {}
    """Of every taggable AWS resource, beside project, namespace and tier: owner, cost centre."""
    region: AwsRegion | None = None
    """The AWS provider's own key, `aws:region`."""
    node_groups: Mapping[NodeGroupName, NodeGroupSpec] = Field(min_length=1)
    queues: Mapping[QueueName, QueueSpec] = Field(min_length=1)
    workers: Mapping[WorkerName, WorkerSpec] = {}
    """A queue that none of them names gets one of its own name."""
    profile: str = "full"
    """`full` takes `workers`; another name takes that profile's."""
    profiles: Mapping[str, Profile] = {}
    beat: BeatSpec = BeatSpec()
    api: ApiSpec = ApiSpec()
    admission: AdmissionSpec = AdmissionSpec()
    prices: Mapping[str, UsdPerHour] = {}
    """US dollars per hour by instance type; for estimates only."""
    preview: PreviewSpec | None = None
    """Of tier preview: its branch and its time, as `fleet preview up` writes them."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, raw: Any) -> Any:  # noqa: ANN401 - unvalidated input
        if not isinstance(raw, dict) or not isinstance(raw.get("queues"), dict):
            return raw
        return _served(_profiled(with_tier_sections(raw)))

    @property
    def on_aws(self) -> bool:
        """Whether this stack owns anything there."""
        return isinstance(self.cluster, EksCluster) or isinstance(self.broker, ElastiCacheBroker)

    @property
    def cluster_name(self) -> str | None:
        """The EKS cluster's name; None where the stack makes none."""
        if isinstance(self.cluster, EksCluster):
            return self.cluster.name or self.namespace
        return None

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if found := list(problems(self)):
            raise ValueError("\n".join(found))
        return self


def _profiled(raw: dict[str, Any]) -> dict[str, Any]:
    """The stack file with the chosen profile's workers and beat, and the queues they serve."""
    chosen = raw.get("profile", "full")
    profiles = raw.get("profiles") or {}
    if chosen == "full" or not isinstance(profiles.get(chosen), dict):
        return raw
    workers = profiles[chosen].get("workers")
    if not isinstance(workers, dict):
        return raw
    named = {
        queue
        for name, worker in workers.items()
        if isinstance(worker, dict)
        for queue in worker.get("queues") or [queue_of(str(name), raw["queues"])]
    }
    queues = {name: queue for name, queue in raw["queues"].items() if name in named}
    changed = {"workers": workers, "queues": queues or raw["queues"]}
    if "beat" in profiles[chosen]:
        return merged({**raw, **changed}, {"beat": profiles[chosen]["beat"]})
    return {**raw, **changed}


def _served(raw: dict[str, Any]) -> dict[str, Any]:
    """Give each worker without queues the queue of its name, and each queue a worker."""
    workers = dict(raw.get("workers") or {})
    for name, worker in workers.items():
        if isinstance(worker, dict) and not worker.get("queues"):
            workers[name] = merged(worker, {"queues": [queue_of(str(name), raw["queues"])]})
    served = {q for w in workers.values() if isinstance(w, dict) for q in w["queues"]}
    for queue in (name for name in raw["queues"] if name not in served):
        if WORKER_NAME.fullmatch(own := _worker_of(queue)):
            workers.setdefault(own, {"queues": [queue]})
    return {**raw, "workers": workers}


def queue_of(worker: str, queues: Mapping[str, object]) -> str:
    """Queue of a worker's own name, letter by letter or as `_worker_of` writes it."""
    alike = (queue for queue in queues if _worker_of(queue) == worker)
    return worker if worker in queues else next(alike, worker)


def _worker_of(queue: str) -> str:
    """Name of a queue's own worker; queue names may hold underscores and dots, its own not."""
    return str(queue).replace("_", "-").replace(".", "-")
