"""What is left of a preview that was taken down; there should be nothing."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks.previews.stage import Stage
from fleet.previews.naming import key_prefix

# Killed commands leave plugins behind, which end once they miss their engine.
_SETTLE_S = 30.0
_POLL_S = 0.5
# Records of what was; the API server drops events by itself.
_RECORDS = frozenset({"events"})
KINDS = (
    "stacks",
    "state files",
    "stack files",
    "namespaces",
    "objects",
    "keys",
    "users",
    "processes",
)


@dataclass(frozen=True)
class Left:
    """One thing of a preview's that is still there."""

    kind: str
    name: str


def leaks(stage: Stage, preview: str) -> list[Left]:
    """Look until nothing is left, for half a minute."""
    deadline = time.monotonic() + _SETTLE_S
    while (found := list(_look(stage, preview))) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return found


def _look(stage: Stage, preview: str) -> Iterator[Left]:
    yield from _files(stage, preview)
    yield from _objects(stage, preview)
    for database in (stage.messages, stage.results):
        for key in database.scan_iter(f"{key_prefix(preview)}*", count=1000):
            yield Left("keys", str(key))
    for access_list in stage.layout.broker.glob("*.acl"):
        for line in access_list.read_text().splitlines():
            if preview in line:
                yield Left("users", line.split()[1])
    yield from _processes(stage, preview)


def _files(stage: Stage, preview: str) -> Iterator[Left]:
    """State of every sort: checkpoint, lock, history, backups."""
    project = stage.project
    if preview in project.deployed_stacks():
        yield Left("stacks", preview)
    state = project.backend / ".pulumi"
    for path in state.rglob("*"):
        if path.is_file() and preview in str(path.relative_to(state)):
            yield Left("state files", str(path.relative_to(state)))
    for path in project.root.glob(f"*{preview}*"):
        yield Left("stack files", path.name)


def _objects(stage: Stage, preview: str) -> Iterator[Left]:
    """Objects of every kind the server lists, of the cluster and of any namespace, by a mention."""
    for path, kind in _kinds(stage):
        for item in stage.cluster.items(path):
            meta = item["metadata"]
            if kind == "namespaces" and meta["name"] == preview:
                yield Left("namespaces", preview)
            elif preview in json.dumps(item):
                yield Left("objects", f"{kind} {meta.get('namespace', '')}/{meta['name']}")


def _kinds(stage: Stage) -> Iterator[tuple[str, str]]:
    groups = (stage.cluster.get("/apis") or {}).get("groups") or []
    roots = ["/api/v1", *(f"/apis/{each['preferredVersion']['groupVersion']}" for each in groups)]
    for root in roots:
        if "metrics.k8s.io" in root:
            continue  # what is measured, not what is there
        served: dict[str, Any] = stage.cluster.get(root) or {}
        for each in served.get("resources") or []:
            if "list" in each["verbs"] and each["name"] not in _RECORDS:
                yield f"{root}/{each['name']}", each["name"]


def _processes(stage: Stage, preview: str) -> Iterator[Left]:
    """Its pods' processes by their variables; while no command runs, any engine and plugin."""
    home = str(stage.project.pulumi_home)
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, environ = process.info["cmdline"] or [], process.info["environ"] or {}
        named = any(preview in each for each in (*words, *environ.values()))
        if named or environ.get("PULUMI_HOME") == home:
            yield Left("processes", f"{process.pid} {' '.join(words)[:120]}")
