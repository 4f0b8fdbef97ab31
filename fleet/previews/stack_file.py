"""A preview's stack file, out of its base's: what is shared, what is less, what is its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.previews.membership import membership
from fleet.previews.naming import key_prefix
from infra.models.base_contract import BaseContract
from infra.models.fleet import FleetConfig
from infra.models.placement import mebibytes, millicores
from infra.models.queue_class import merged
from infra.models.worker import Compute, WorkerSpec
from rehearsal.errors import RehearsalError

Raw = dict[str, Any]

PROFILE = "preview"
"""Of the base's stack file: its workers are a preview's."""
WORKER = "preview"
# What a preview has from its base as it is.
_SHARED = ("nodeGroups", "prices", "tags")
# How the fleet uses a broker, whoever makes it; replicas to confirm are the base's own matter.
_BROKER_USE = ("resultExpiresSeconds", "delivery", "visibilityTimeoutSeconds", "deliveryLimit")
_BROKER_PLACE = ("at", "maxConnections")
_CONCURRENCY = 2
_RARER_HOURS = 24
_LONGEST_BEAT_HOURS = 168
# A preview gone wild leaves a result for each task that it runs, in memory of the base's broker.
_RESULTS_KEPT_MOST_S = 3600


@dataclass(frozen=True)
class Base:
    """A stack that previews live beside: what its file states, and what it told once it was up."""

    stack: str
    raw: Mapping[str, Any]
    """Its stack file's own keys."""
    config: FleetConfig
    told: BaseContract
    secrets_provider: str | None = None
    """A cloud's key for the secrets of its stack; None: by passphrase, or Pulumi Cloud's own."""


@dataclass(frozen=True)
class Wish:
    """What is asked of a preview."""

    name: str
    """Of the preview: stack, namespace, and key prefix with a colon."""
    branch: str
    commit: str | None
    created_at: datetime
    expires_at: datetime
    image: str | None = None
    """Instead of the base's."""
    training: bool = False
    """With the base's workers on GPUs."""
    branch_seen_at: datetime | None = None


def preview_config(base: Base, wish: Wish) -> Raw:
    """Keys of the preview's stack file, without the project's name before them.

    Raises:
        RehearsalError: the base cannot have such a preview.

    """
    on_gpus = _gpu_workers(base) if wish.training else {}
    workers = {**_workers(base), **on_gpus}
    served = {queue for worker in workers.values() for queue in worker["queues"]}
    queues = {queue: stated for queue, stated in base.raw["queues"].items() if queue in served}
    return {
        "tier": "preview",
        "namespace": wish.name,
        "preview": _marks(base, wish),
        "image": _image(base, wish),
        "cluster": _cluster(base),
        "broker": _broker(base, wish.name),
        "keda": {"kind": "existing"},
        # Nobody is told of a preview: no rules, no dashboards, and nothing that reads its figures.
        "monitoring": {"kind": "existing", "rules": False},
        "networkPolicy": {**base.raw.get("networkPolicy", {}), "scrapers": []},
        **{key: base.raw[key] for key in _SHARED if key in base.raw},
        "queues": queues,
        "workers": workers,
        "beat": _beat(base),
        "api": {**base.raw.get("api", {}), "replicas": 1, "outbox": False},
    }


def _workers(base: Base) -> dict[str, Raw]:
    """The profile's, else one for every queue that is not on GPUs; all of them from zero."""
    profile = (base.raw.get("profiles") or {}).get(PROFILE)
    stated = profile["workers"] if profile else {WORKER: _one_worker(base)}
    return {name: _guest(worker, [name]) for name, worker in stated.items()}


def _guest(worker: Mapping[str, Any], queues: list[str]) -> Raw:
    """A worker that starts from zero, and needs nothing that is the whole cluster's."""
    left_out = ("podDeletionCost", "pollingInterval")
    kept = {key: value for key, value in worker.items() if key not in left_out}
    return {"queues": queues, **kept, "minReplicaCount": 0}


def _one_worker(base: Base) -> Raw:
    """With room for the largest task of those that it takes over."""
    merged_in = [w for w in base.config.workers.values() if not _on_gpus(base, w)]
    if not merged_in:
        raise RehearsalError(
            what=f"stack {base.stack} cannot have previews",
            why="all of its workers are on GPU nodes, which a preview has on request only",
            mend=f"give its stack file a profile `{PROFILE}` with the workers of a preview",
        )
    return {
        "queues": [queue for worker in merged_in for queue in worker.queues],
        "nodeName": WORKER,
        "concurrency": _CONCURRENCY,
        "nodeGroup": merged_in[0].node_group,
        "resources": {
            "requests": _largest([worker.resources.requests for worker in merged_in]),
            "limits": _largest([worker.resources.limits for worker in merged_in]),
        },
        "maxReplicaCount": 1,
    }


def _largest(asked: list[Compute]) -> Raw:
    cpu = max((each.cpu for each in asked), key=millicores)
    return {"cpu": cpu, "memory": max((each.memory for each in asked), key=mebibytes)}


def _gpu_workers(base: Base) -> dict[str, Raw]:
    names = [name for name, worker in base.config.workers.items() if _on_gpus(base, worker)]
    if not names:
        raise RehearsalError(
            what="--training needs GPUs",
            why=f"stack {base.stack} has no worker on a node group with GPUs",
            mend="leave --training out, or give the base such a node group and worker",
        )
    stated = base.raw.get("workers") or {}
    return {
        name: _guest(stated.get(name, {}), list(base.config.workers[name].queues))
        | {"maxReplicaCount": 1}
        for name in names
    }


def _on_gpus(base: Base, worker: WorkerSpec) -> bool:
    return base.config.node_groups[worker.node_group].gpu > 0


def _marks(base: Base, wish: Wish) -> Raw:
    marks = {
        "base": base.stack,
        "branch": wish.branch,
        "createdAt": wish.created_at.isoformat(),
        "expiresAt": wish.expires_at.isoformat(),
    }
    seen = {"branchSeenAt": wish.branch_seen_at.isoformat()} if wish.branch_seen_at else {}
    return marks | seen | ({"commit": wish.commit} if wish.commit else {})


def _image(base: Base, wish: Wish) -> object:
    if wish.image is not None:
        return wish.image
    told = base.told.images
    if "cpu" not in told:
        raise RehearsalError(
            what=f"no image for the preview of {wish.branch}",
            why=f"stack {base.stack} tells none in its output `base`",
            mend=f"name one: --image REF, or bring the base up again: pulumi up -s {base.stack}",
        )
    flavours = {key: told[key] for key in ("cpu", "gpu") if key in told}
    differ = len(set(flavours.values())) > 1
    return flavours if wish.training and differ else told["cpu"]


def _cluster(base: Base) -> Raw:
    stated = base.config.cluster
    return {
        "kind": "existing",
        "context": base.told.cluster.name,
        "storageClass": base.told.storage_class,
        "storage": stated.storage,
        "hpaSyncPeriodSeconds": stated.hpa_sync_period_s,
    }


def _broker(base: Base, name: str) -> Raw:
    """A user of its own where the base makes its broker; else the base's login."""
    stated = base.raw["broker"]
    if base.told.broker.owned:
        use = {key: stated[key] for key in _BROKER_USE if key in stated}
        return {**membership(base.stack, base.told), "keyPrefix": key_prefix(name), **use}
    namespace, secret = base.told.broker.secret.split("/", 1)
    shared = (*_BROKER_USE, *_BROKER_PLACE)
    return {
        "kind": "existing",
        "connectionSecret": {"namespace": namespace, "name": secret},
        "authority": base.told.broker.authority,
        "keyPrefix": key_prefix(name),
        **{key: stated[key] for key in shared if key in stated},
        "resultExpiresSeconds": min(base.config.broker.result_expires_s, _RESULTS_KEPT_MOST_S),
    }


def _beat(base: Base) -> Raw:
    profile = (base.raw.get("profiles") or {}).get(PROFILE) or {}
    stated: Raw = merged(base.raw.get("beat") or {}, profile.get("beat") or {})
    hours = max(_RARER_HOURS, int(stated.get("diskSampleHours", 0)))
    return {**stated, "diskSampleHours": min(hours, _LONGEST_BEAT_HOURS)}
