"""What a preview would do, and what the policies say to it, out of Pulumi's event log.

Of a resource's properties only the paths are kept, never the values: what is made of this is read
by everyone who reads the pull request.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_COLOUR = re.compile(r"<\{%.*?%\}>")
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
# Steps that change nothing. A replacement is several steps, of which `replace` is the sum.
_QUIET = frozenset(
    {"same", "refresh", "read", "read-replacement", "create-replacement", "delete-replaced"}
)
_STACK = "pulumi:pulumi:Stack"
# Of the stack, where anything at all has failed; what failed is told beside it.
_NO_REASON = frozenset({"preview failed", "update failed"})


@dataclass(frozen=True)
class Step:
    """One resource, and what would happen to it."""

    op: str
    type: str
    name: str
    paths: tuple[str, ...] = ()
    """Properties that differ."""
    fingerprint: str = ""
    """Of everything that the resource would become, secrets masked."""


@dataclass(frozen=True)
class Breach:
    """A policy that a resource, or the stack, does not keep."""

    rule: str
    level: str
    """`mandatory` or `advisory`."""
    resource: str
    message: str


@dataclass(frozen=True)
class Changes:
    """A whole preview."""

    steps: tuple[Step, ...] = ()
    unchanged: int = 0
    packs: tuple[str, ...] = ()
    """Policy packs that have judged it, with their versions."""
    breaches: tuple[Breach, ...] = ()
    errors: tuple[str, ...] = ()
    complete: bool = False
    """False where the preview broke off: then it is not all that would change."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many resources each operation is about, in the order of a person's worry."""
        order = ("delete", "replace", "update", "create")
        found = [step.op for step in self.steps]
        return {op: found.count(op) for op in sorted(set(found), key=_by(order))}

    @property
    def digest(self) -> str:
        """Two previews that would do the same have the same one."""
        told = sorted((s.op, s.type, s.name, s.paths, s.fingerprint) for s in self.steps)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def read(events: Iterable[dict[str, Any]]) -> Changes:
    """Take the events of one preview together."""
    seen = list(events)
    summary = next((event["summaryEvent"] for event in seen if "summaryEvent" in event), None)
    return Changes(
        steps=tuple(_steps(seen)),
        unchanged=((summary or {}).get("resourceChanges") or {}).get("same", 0),
        packs=tuple(sorted(_packs(summary or {}))),
        breaches=tuple(dict.fromkeys(_breaches(seen))),
        errors=tuple(dict.fromkeys(_errors(seen))),
        complete=summary is not None,
    )


def parse(log: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a log, a line each; one that a killed Pulumi left unfinished is none."""
    for line in log.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def _steps(events: Iterable[dict[str, Any]]) -> Iterator[Step]:
    for event in events:
        told = event.get("resourcePreEvent")
        if told is None or told["metadata"]["op"] in _QUIET:
            continue
        of = told["metadata"]
        if of["type"] == _STACK or _is_default_provider(of):
            continue
        paths = of.get("detailedDiff") or dict.fromkeys(of.get("diffs") or ())
        made = json.dumps((of.get("new") or {}).get("inputs"), sort_keys=True)
        yield Step(
            of["op"],
            of["type"],
            _name(of["urn"]),
            tuple(sorted(paths)),
            hashlib.sha256(made.encode()).hexdigest(),
        )


def _is_default_provider(metadata: dict[str, Any]) -> bool:
    """The engine makes those by itself; Pulumi's own list leaves them out, too."""
    name = _name(metadata["urn"])
    return metadata["type"].startswith("pulumi:providers:") and name.startswith("default")


def _packs(summary: dict[str, Any]) -> Iterator[str]:
    for pack, version in (summary.get("PolicyPacks") or {}).items():
        # One of a folder is called `celery|local|/its/folder`.
        yield f"{pack.partition('|')[0]} {version}".strip()


def _breaches(events: Iterable[dict[str, Any]]) -> Iterator[Breach]:
    for event in events:
        if told := event.get("policyEvent"):
            level = {"warning": "advisory"}.get(told["enforcementLevel"], told["enforcementLevel"])
            name = _name(told.get("resourceUrn") or "")
            yield Breach(told["policyName"], level, name, _plain(told["message"]))


def _errors(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        told = event.get("diagnosticEvent") or {}
        if told.get("severity") != "error":
            continue
        message, name = _plain(told.get("message", "")), _name(told.get("urn") or "")
        if message and message not in _NO_REASON:
            yield f"{name}: {message}" if name else message


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _plain(text: str) -> str:
    return _ESCAPE.sub("", _COLOUR.sub("", text)).strip()


def _by(order: tuple[str, ...]) -> Any:  # noqa: ANN401 - a sort key
    return lambda op: (order.index(op) if op in order else len(order), op)
