"""What a change does to each worker: its bounds, its pods, whether they restart."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from fleet.difference.preview import Inputs, Step, at, unknowns
from infra.manifests.deployment import NODE_GROUP_LABEL
from infra.manifests.labels import WORKER_LABEL
from infra.models.worker import Resources

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SCALER = "kubernetes:keda.sh/v1alpha1:ScaledObject"
Restart = Literal["rolls", "replaced", "goes", "perhaps"]

_TEMPLATE = "spec.template"
_CONCURRENCY = re.compile(r"--concurrency=(\d+)")
_QUEUES = re.compile(r"--queues=(\S+)")
# Where a pod's change comes from, by what its path holds; the first that fits.
_CAUSES = (
    (".image", "image"),
    ("broker-checksum", "the broker's address or login"),
    ("token-checksum", "the API's token"),
    ("settings-checksum", "settings"),
    (".resources", "resources"),
    (".command", "command"),
    (".env", "environment"),
    ("terminationGracePeriodSeconds", "grace"),
    ("nodeSelector", "node group"),
    ("tolerations", "node group"),
)


@dataclass(frozen=True)
class Settings:
    """What the cluster is told about one worker; None where a step does not say."""

    min_replicas: int | None = None
    max_replicas: int | None = None
    polling_interval_s: int | None = None
    cooldown_s: int | None = None
    formula: str | None = None
    concurrency: int | None = None
    resources: Resources | None = None
    node_group: str | None = None
    grace_s: int | None = None
    image: str | None = None
    queues: tuple[str, ...] | None = None


# How each is called in a sentence.
TOLD: Mapping[str, str] = {
    "min_replicas": "min",
    "max_replicas": "max",
    "concurrency": "concurrency",
    "queues": "queues",
    "node_group": "node group",
    "resources": "resources",
    "polling_interval_s": "polling interval",
    "cooldown_s": "cooldown",
    "grace_s": "grace",
    "image": "image",
    "formula": "scaling formula",
}


@dataclass(frozen=True)
class WorkerChange:
    """One worker that changes."""

    name: str
    op: Literal["create", "update", "delete"]
    old: Settings = Settings()
    new: Settings = Settings()
    restart: Restart | None = None
    causes: tuple[str, ...] = ()
    """Why its pods restart."""

    @property
    def differing(self) -> Iterator[tuple[str, Any, Any]]:
        """Name, old and new value of each setting that both ends tell, and differently."""
        for each in fields(Settings):
            old, new = getattr(self.old, each.name), getattr(self.new, each.name)
            if self.op == "update" and old != new and None not in (old, new):
                yield each.name, old, new


def changes(steps: Iterable[Step]) -> list[WorkerChange]:
    """Return the workers that change, by name."""
    pairs: dict[str, dict[str, Step]] = {}
    for step in steps:
        name = _worker(step)
        if name is not None and step.kind in {DEPLOYMENT, SCALER}:
            pairs.setdefault(name, {})[step.kind] = step
    return [_change(name, pair.get(DEPLOYMENT), pair.get(SCALER)) for name, pair in pairs.items()]


def restart_of(step: Step) -> tuple[Restart | None, tuple[str, ...]]:
    """Return what becomes of a Deployment's pods, and why."""
    if step.op == "create":
        return None, ()
    if step.op == "delete":
        return "goes", ()
    if step.op == "replace":
        return "replaced", ()
    paths = [path for path in step.paths if path.startswith(_TEMPLATE)]
    if not step.paths and at(step.old, "spec", "template") != at(step.new, "spec", "template"):
        paths = [_TEMPLATE]
    if not paths:
        return None, ()
    # A value that is not known yet may turn out to be the one that is there.
    open_ = set(unknowns(at(step.new, "spec", "template") or {}, _TEMPLATE))
    sure = [path for path in paths if _plain(path) not in {_plain(each) for each in open_}]
    return "rolls" if sure else "perhaps", tuple(dict.fromkeys(map(_cause, sure or paths)))


def _change(name: str, deployment: Step | None, scaler: Step | None) -> WorkerChange:
    either = deployment or scaler
    op: Literal["create", "update", "delete"] = "update"
    if either is not None and either.op in {"create", "delete"}:
        op = "create" if either.op == "create" else "delete"
    restart, causes = restart_of(deployment) if deployment else (None, ())
    old, new = (
        _settings(*(getattr(step, end) if step else {} for step in (deployment, scaler)))
        for end in ("old", "new")
    )
    return WorkerChange(name, op, old, new, restart, causes)


def _settings(deployment: Inputs, scaler: Inputs) -> Settings:
    spec = at(deployment, "spec", "template", "spec") or {}
    main = (spec.get("containers") or [{}])[0]
    command = " ".join(str(word) for word in at(main, "command") or ())
    asked, served = _CONCURRENCY.search(command), _QUEUES.search(command)
    target = at(scaler, "spec", "advanced", "scalingModifiers", "target")
    return Settings(
        min_replicas=_whole(at(scaler, "spec", "minReplicaCount")),
        max_replicas=_whole(at(scaler, "spec", "maxReplicaCount")),
        polling_interval_s=_whole(at(scaler, "spec", "pollingInterval")),
        cooldown_s=_whole(at(scaler, "spec", "cooldownPeriod")),
        formula=at(scaler, "spec", "advanced", "scalingModifiers", "formula"),
        concurrency=int(asked[1]) if asked else _whole(target),
        resources=_resources(at(main, "resources")),
        node_group=at(spec, "nodeSelector", NODE_GROUP_LABEL),
        grace_s=_whole(at(spec, "terminationGracePeriodSeconds")),
        image=at(main, "image"),
        queues=tuple(served[1].split(",")) if served else None,
    )


def _resources(told: Mapping[str, Any] | None) -> Resources | None:
    if not told:
        return None
    gpu = str((told.get("limits") or {}).get("nvidia.com/gpu", 0))
    own = {
        kind: {name: told[kind][name] for name in ("cpu", "memory") if name in told.get(kind, {})}
        for kind in ("requests", "limits")
    }
    return Resources.model_validate({**own, "gpu": int(gpu)})


def _worker(step: Step) -> str | None:
    labels = at(step.new or step.old, "metadata", "labels") or {}
    name = labels.get(WORKER_LABEL)
    return None if name is None else str(name)


def _cause(path: str) -> str:
    return next((told for part, told in _CAUSES if part in path), "pod")


def _plain(path: str) -> str:
    """A path without quotes and brackets around keys: Pulumi quotes those with dots."""
    return re.sub(r"[\[\]\".]+", ".", path).strip(".")


def _whole(value: object) -> int | None:
    """A number as JSON may write it: 6, 6.0 or "6"."""
    if isinstance(value, str):
        return int(value) if value.isdigit() else None
    return int(value) if isinstance(value, int | float) else None
