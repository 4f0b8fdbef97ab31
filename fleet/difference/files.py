"""What a change of a stack file does, out of the two files alone: no cloud, cluster or engine.

Both ends are rendered by this checkout's program. So a change of the program itself is not told
here, and neither is anything that the stack's state or its cloud would add.
"""

from collections.abc import Iterator, Mapping

from fleet.difference import workers
from fleet.difference.command import worker_told
from fleet.difference.paths import differing, ends
from fleet.difference.preview import Inputs, Op, Step, in_order
from fleet.difference.report import Report, report
from infra import names
from infra.manifests import Manifest
from infra.manifests.deployment import (
    api_deployment,
    beat_deployment,
    janitor_deployment,
    worker_deployment,
)
from infra.manifests.labels import metadata
from infra.manifests.scaled_object import scaled_object
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig

_CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
_NAMESPACE = "kubernetes:core/v1:Namespace"
# Told by the objects that are made of them.
_TOLD = frozenset({"queues", "workers", "namespace", "profiles"})
_LOST = "every waiting message, result and schedule goes with it"
_LONGEST = 60
_MOST = 30

Key = tuple[str, str]
"""Pulumi's type and name of an object."""


def compare(before: FleetConfig, after: FleetConfig) -> Report:
    """Put in words what bringing the stack up would do, had it been up as the former file says."""
    steps = in_order(_steps(before, after))
    told = [worker_told(after, each, None) for each in workers.changes(steps)]
    found = report(steps, told, None)
    moved = tuple(_moved(before, after))
    settings = tuple(_settings(before, after))
    return Report((*found.dangers, *moved), (*found.lines, *settings), found.notes, found.workers)


def _steps(before: FleetConfig, after: FleetConfig) -> Iterator[Step]:
    there, wanted = _objects(before), _objects(after)
    elsewhere = before.namespace != after.namespace
    for kind, name in dict.fromkeys([*wanted, *there]):
        old, new = there.get((kind, name)), wanted.get((kind, name))
        if old == new:
            continue
        paths = tuple(differing(old, new)) if old and new else ()
        forcing = ("metadata.name" if kind == _NAMESPACE else "metadata.namespace",)
        replaced = elsewhere and old is not None and new is not None
        op: Op = "replace" if replaced else "create" if old is None else "update"
        op = "delete" if new is None else op
        yield Step(op, kind, name, old or {}, new or {}, paths, forcing if replaced else ())


def _objects(config: FleetConfig) -> Mapping[Key, Inputs]:
    """What operators look at; the rest follows from these."""
    space = config.namespace
    found: dict[Key, Manifest] = {
        (_NAMESPACE, "namespace"): {"metadata": {"name": space}},
        (_CONFIG_MAP, "settings"): {
            "metadata": metadata(names.SETTINGS, space, "settings"),
            "data": {"settings.json": settings_document(config)},
        },
    }
    for worker in config.workers:
        name = names.worker_object(worker)
        meta = metadata(name, space, "worker", worker)
        deployment = worker_deployment(config, worker)
        found[workers.DEPLOYMENT, name] = {"metadata": meta, "spec": deployment}
        found[workers.SCALER, name] = {"metadata": meta, "spec": scaled_object(config, worker)}
    singles = {
        names.BEAT: beat_deployment,
        names.JANITOR: janitor_deployment,
        names.API: api_deployment,
    }
    for name, made in singles.items():
        found[workers.DEPLOYMENT, name] = {
            "metadata": {"name": name, "namespace": space},
            "spec": made(config),
        }
    return found


def _moved(before: FleetConfig, after: FleetConfig) -> Iterator[str]:
    old, new = before.broker.kind, after.broker.kind
    if old != new:
        yield (
            f"the broker CHANGES from {old!r} to {new!r}: messages, results and schedules in the "
            "former one are left behind"
        )
    if before.namespace != after.namespace and before.broker.kind == "elasticache":
        yield "the broker is REPLACED, which is named after the namespace: " + _LOST


def _settings(before: FleetConfig, after: FleetConfig) -> Iterator[str]:
    """Both ends of every other key, as the file writes it."""
    old, new = (each.model_dump(mode="json", by_alias=True) for each in (before, after))
    for end in (old, new):
        for told in _TOLD:
            end.pop(told, None)
    found = list(ends(old, new))
    for path, was, is_ in found[:_MOST]:
        yield f"{path}: {_short(was)} -> {_short(is_)}"
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} settings more"


def _short(value: object) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, dict | list):
        return f"{len(value)} entries"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
