"""What a change does to queues as the image reads them: the ConfigMap's settings.json."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.difference.preview import Step, at

_KIND, _NAME = "kubernetes:core/v1:ConfigMap", "settings"
_PARTS = frozenset({"queues", "workers"})


@dataclass(frozen=True)
class QueueSettings:
    """Both ends of settings.json; None where a preview does not tell it, or does not change it."""

    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None

    @property
    def both(self) -> bool:
        return self.old is not None and self.new is not None

    def gone(self) -> list[str]:
        """Queues that are there and will not be."""
        return sorted(_queues(self.old) - _queues(self.new)) if self.both else []

    def come(self) -> list[str]:
        """Queues that will be there and are not."""
        return sorted(_queues(self.new) - _queues(self.old)) if self.both else []


def read(steps: Iterable[Step]) -> QueueSettings:
    """Find both ends among the changes."""
    for step in steps:
        if is_it(step):
            return QueueSettings(_parsed(step.old), _parsed(step.new))
    return QueueSettings()


def is_it(step: Step) -> bool:
    """Whether a step is that of the ConfigMap."""
    return (step.kind, step.name) == (_KIND, _NAME)


def lines(settings: QueueSettings) -> Iterator[tuple[str, str]]:
    """Say what changes, each with the queue it is about, or `fleet`."""
    if settings.old is None or settings.new is None:
        return
    queues = settings.old["queues"]
    for name, new in settings.new["queues"].items():
        if name in queues and (told := ", ".join(_differing(queues[name], new))):
            yield f"queue {name}", told
    fleet = [
        {k: v for k, v in end.items() if k not in _PARTS} for end in (settings.old, settings.new)
    ]
    if told := ", ".join(_differing(*fleet)):
        yield "fleet", told


def quietly_gone(settings: QueueSettings, pending: Mapping[str, int] | None) -> list[str]:
    """Return the queues that go and are known to be empty."""
    if pending is None:
        return []
    return [queue for queue in settings.gone() if not pending.get(queue, 0)]


def left_behind(settings: QueueSettings, pending: Mapping[str, int] | None) -> Iterator[str]:
    """Say which messages nobody will take any more; `pending` by queue, None if not known."""
    empty = quietly_gone(settings, pending)
    for queue in (name for name in settings.gone() if name not in empty):
        waiting = "" if pending is None else f" ({pending.get(queue, 0)} now)"
        yield f"queue {queue} is REMOVED: no worker takes the messages that wait there{waiting}"
    if settings.old is None or settings.new is None:
        return
    old, new = settings.old.get("keyPrefix"), settings.new.get("keyPrefix")
    if old != new:
        waiting = "" if pending is None else f" ({sum(pending.values())} now)"
        yield (
            f"the key prefix CHANGES from {old!r} to {new!r}: messages{waiting}, results and "
            "schedules under the old one are left behind"
        )


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield f"{key} {_told(old.get(key))} -> {_told(new.get(key))}"


def _told(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _parsed(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    text = at(inputs, "data", "settings.json")
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and "queues" in found else None


def _queues(settings: Mapping[str, Any] | None) -> set[str]:
    return set(settings["queues"]) if settings is not None else set()
