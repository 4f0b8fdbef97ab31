"""What `pulumi preview --json` says will change, resource by resource."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rehearsal.errors import RehearsalError

Op = Literal["create", "update", "replace", "delete"]
Inputs = Mapping[str, Any]

# A replacement is told as one step, or as its parts, by version and flags of the CLI.
_OPS: Mapping[str, Op] = {
    "create": "create",
    "import": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
}
# Components and providers are no objects of anyone's.
_OURS = ("celery-fleet:", "pulumi:")
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that only `up` will know (pulumi 3.255, pkg/resource/stack)."""


@dataclass(frozen=True)
class Step:
    """One resource that changes."""

    op: Op
    kind: str
    """Pulumi's type: `kubernetes:apps/v1:Deployment`."""
    name: str
    old: Inputs = field(default_factory=dict)
    """Inputs as deployed; nothing where it is new."""
    new: Inputs = field(default_factory=dict)
    """Inputs as they will be; nothing where it goes."""
    paths: tuple[str, ...] = ()
    """Of the inputs that change: `spec.maxReplicaCount`."""
    forcing: tuple[str, ...] = ()
    """Of those that cannot be changed in place."""

    @property
    def short_kind(self) -> str:
        return self.kind.rsplit(":", 1)[-1]


def read(text: str, where: str) -> tuple[Step, ...]:
    """Return the changes of a preview, `in_order`; none where nothing changes.

    Args:
        text: what `pulumi preview --json` printed.
        where: named in errors.

    Raises:
        RehearsalError: it is no such text, or the preview itself failed.

    """
    try:
        document = json.loads(text)
        steps = document.get("steps") or []
        failed = [d["message"] for d in document.get("diagnostics") or [] if _is_error(d)]
        found = _merged(_step(each) for each in steps if each["op"] in _OPS)
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise RehearsalError(
            what="this is not what `pulumi preview --json` prints",
            why=f"{type(error).__name__}: {error}",
            mend="make it anew: pulumi preview --json > preview.json",
            where=where,
        ) from None
    if failed:
        raise RehearsalError(
            what="the preview failed, so what would change is not known",
            why="\n".join(message.strip() for message in failed),
            mend="mend what it names, then ask again",
            where=where,
        )
    return in_order(step for step in found if not step.kind.startswith(_OURS))


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Sort changes by kind and name: the engine's own order differs from run to run."""
    return tuple(sorted(steps, key=lambda step: (step.kind, step.name)))


def known(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value; None for one that only `up` will know."""
    return None if value == _UNKNOWN else value


def unknowns(value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Return the paths of what only `up` will know."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from unknowns(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from unknowns(inner, f"{path}[{at}]")
    elif isinstance(value, str) and _UNKNOWN in value:
        yield path


def at(inputs: Inputs, *path: str) -> Any:  # noqa: ANN401 - JSON
    """Return what lies at a path of some inputs; None where nothing does, or nothing known."""
    found: Any = inputs
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return known(found)


def _step(raw: Mapping[str, Any]) -> tuple[str, Step]:
    *_, kinds, name = raw["urn"].split("::", 3)
    old, new = (raw.get(state) or {} for state in ("oldState", "newState"))
    step = Step(
        op=_OPS[raw["op"]],
        kind=kinds.rsplit("$", 1)[-1],
        name=name,
        old=old.get("inputs") or {},
        new=new.get("inputs") or {},
        paths=tuple(raw.get("detailedDiff") or ()),
        forcing=tuple(raw.get("replaceReasons") or ()),
    )
    return raw["urn"], step


def _merged(steps: Iterator[tuple[str, Step]]) -> list[Step]:
    """One step for each resource; the parts of a replacement together know both its ends."""
    found: dict[str, Step] = {}
    for urn, step in steps:
        before = found.get(urn)
        found[urn] = step if before is None else _together(before, step)
    return list(found.values())


def _together(one: Step, other: Step) -> Step:
    return Step(
        op="replace",
        kind=one.kind,
        name=one.name,
        old=one.old or other.old,
        new=one.new or other.new,
        paths=tuple(dict.fromkeys([*one.paths, *other.paths])),
        forcing=tuple(dict.fromkeys([*one.forcing, *other.forcing])),
    )


def _is_error(diagnostic: Mapping[str, Any]) -> bool:
    return diagnostic.get("severity") == "error"
